# SPDX-License-Identifier: Apache-2.0
"""Small signed apt repositories, made on the spot and served on loopback. Not a test itself: repository_*.py use it.

	key = Key(directory, "test")
	repo = Flat(directory / "deb")                  the layout of the Kubernetes community's repositories
	repo.add("kubelet", "1.34.1-1.1", depends="conntrack")
	repo.write(key)
	with Server(directory) as server: ... server.url + "/deb/"
"""
import base64
import gzip
import hashlib
import http.server
import os
import shutil
import subprocess
import threading
import time
from email.utils import formatdate
from pathlib import Path

ARCHITECTURE = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()


def gpg(home, *arguments, stdin=None):
    return subprocess.run(["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase",
                           "", *arguments], check=True, input=stdin, capture_output=True).stdout


class Key:
    """A signing key in a home of its own; expired: it was good in 2020 only."""

    def __init__(self, directory, name, expired=False):
        self.home = Path(directory) / f"gnupg-{name}"
        self.home.mkdir(mode=0o700)
        self.then = ["--faked-system-time", "20200601T000000"] if expired else []
        gpg(self.home, *self.then, "--quick-gen-key", f"{name} <{name}@example.invalid>", "ed25519", "sign",
            "30d" if expired else "never")
        lines = gpg(self.home, "--with-colons", "--list-keys").decode().splitlines()
        self.fingerprint = next(line.split(":")[9] for line in lines if line.startswith("fpr:"))

    def armored(self):
        return gpg(self.home, "--armor", "--export")

    def binary(self):
        return gpg(self.home, "--export")

    def clearsign(self, text):
        return gpg(self.home, *self.then, "--clearsign", stdin=text)

    def stop(self):
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "gpg-agent"], check=False)


class Packages:
    """Binary packages and the files that describe them; subclasses say what lies where."""

    def __init__(self, root):
        self.root = Path(root)
        self.stanzas = []
        self.sources = []
        self.written = 0

    def add(self, name, version, depends="", files=None, fields=""):
        tree = self.root / ".tree"
        shutil.rmtree(tree, ignore_errors=True)
        (tree / "DEBIAN").mkdir(parents=True)
        for path, content in (files or {f"usr/share/doc/{name}/README": f"{name} {version}\n"}).items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            data = content if isinstance(content, bytes) else content.encode()
            (tree / path).write_bytes(data)
            (tree / path).chmod(0o755 if data.startswith((b"#!", b"\x7fELF")) else 0o644)
        control = (f"Package: {name}\nVersion: {version}\nArchitecture: {ARCHITECTURE}\nMaintainer: test <test@example.invalid>\n"
                   f"Installed-Size: 12\n{fields}" + (f"Depends: {depends}\n" if depends else "") + f"Description: test {name}\n")
        (tree / "DEBIAN/control").write_text(control)
        file = f"pool/{name}_{version.replace(':', '%3a')}_{ARCHITECTURE}.deb"
        (self.root / "pool").mkdir(exist_ok=True)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, self.root / file], check=True,
                       stdout=subprocess.DEVNULL)
        shutil.rmtree(tree)
        data = (self.root / file).read_bytes()
        self.stanzas.append(f"{control}Filename: {file}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n\n")
        return self.root / file

    def release(self, directory, indices, key, fields, valid_until=None, date=None, tamper=False):
        """Writes directory/InRelease (Release alone when key is None). tamper: changes it after it is signed."""
        text = fields + f"Date: {formatdate(date or time.time() - 3600, usegmt=True)}\n"
        if valid_until:
            text += f"Valid-Until: {formatdate(valid_until, usegmt=True)}\n"
        text += "SHA256:\n"
        for name in indices:
            data = (directory / name).read_bytes()
            text += f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n"
        for old in ("InRelease", "Release"):
            (directory / old).unlink(missing_ok=True)
        if key is None:
            file = directory / "Release"
            file.write_text(text)
        else:
            file = directory / "InRelease"
            signed = key.clearsign(text.encode())
            file.write_bytes(signed.replace(b"Origin: test", b"Origin: evil") if tamper else signed)
        # HTTP counts whole seconds: what is written twice in one must differ in its time, or it would count as not modified.
        self.written += 1
        os.utime(file, (time.time() - 600 + self.written,) * 2)


class Flat(Packages):
    """`deb URL/ /`: Packages and InRelease next to the pool, as pkgs.k8s.io has it."""

    def write(self, key, **options):
        (self.root / "Packages").write_text("".join(self.stanzas))
        (self.root / "Packages.gz").write_bytes(gzip.compress("".join(self.stanzas).encode()))
        self.release(self.root, ["Packages", "Packages.gz"], key, "Origin: test\nLabel: test\n", **options)


class Archive(Packages):
    """`deb URL SUITE main`: an archive with dists/, of one suite and one component."""

    def add_source(self, name, version):
        """A source package as apt sees it; it is not unpacked."""
        (self.root / "pool").mkdir(exist_ok=True)
        text = f"Package: {name}\nFormat: 3.0 (quilt)\nBinary: {name}\nArchitecture: any\nVersion: {version}\nDirectory: pool\n" \
            "Checksums-Sha256:\n"
        for file in (f"{name}_{version}.dsc", f"{name}_{version.split('-')[0]}.orig.tar.gz"):
            data = f"{file}\n".encode()
            (self.root / "pool" / file).write_bytes(data)
            text += f" {hashlib.sha256(data).hexdigest()} {len(data)} {file}\n"
        self.sources.append(text + "\n")

    def write(self, key, suite="test", **options):
        dist = self.root / "dists" / suite
        indices = {f"main/binary-{ARCHITECTURE}/Packages": self.stanzas, "main/source/Sources": self.sources}
        for name, stanzas in indices.items():
            (dist / name).parent.mkdir(parents=True, exist_ok=True)
            (dist / name).write_text("".join(stanzas))
            (dist / f"{name}.gz").write_bytes(gzip.compress("".join(stanzas).encode()))
        self.release(dist, [f"{name}{suffix}" for name in indices for suffix in ("", ".gz")], key,
                     f"Origin: test\nSuite: {suite}\nCodename: {suite}\nArchitectures: {ARCHITECTURE}\nComponents: main\n",
                     **options)


class Server:
    """Serves a directory on loopback; requests is what was asked for. While hold is the end of a path, its answer waits. elsewhere: the
    URL to which requests for files that are not in the directory are redirected. login: "USER:PASSWORD", without which nothing is given."""

    def __init__(self, directory, elsewhere=None, login=None):
        self.requests = []
        self.hold = None
        wanted = login and "Basic " + base64.b64encode(login.encode()).decode()
        outer = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1" if elsewhere else "HTTP/1.0"  # a client that is redirected speaks the same there

            def __init__(self, *arguments):
                super().__init__(*arguments, directory=os.fspath(directory))

            def do_GET(self):
                outer.requests.append(self.path)
                while outer.hold and self.path.endswith(outer.hold):
                    time.sleep(0.02)
                if wanted and self.headers.get("Authorization") != wanted:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", "Basic realm=test")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if elsewhere and not os.path.exists(self.translate_path(self.path)):
                    self.send_response(302)
                    self.send_header("Location", elsewhere + self.path)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                try:
                    super().do_GET()
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.hold = None
        self.server.shutdown()
        self.server.server_close()
