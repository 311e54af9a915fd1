# SPDX-License-Identifier: Apache-2.0
"""A checksum database of Go modules with its own key, on loopback, as golang.org/x/mod/sumdb describes it: signed notes, a log of at most
255 records, which has one tile. Not a test itself: gomod_sums.py uses it."""
import base64
import hashlib
import re
import subprocess
import tempfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

NAME = "sums.example.org"
ED25519 = b"\1"


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def h1(files):
    """dirhash.Hash1: files is {name: bytes}."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return "h1:" + base64.b64encode(sha256("".join(lines).encode())).decode()


def tree_hash(leaves):
    """RFC 6962, section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", tree_hash(leaves[:half]), tree_hash(leaves[half:]))


class Signer:
    def __init__(self, directory):
        self.key = Path(directory) / "sums.pem"
        self.openssl("genpkey", "-algorithm", "ed25519", "-out", self.key)
        self.public = ED25519 + self.openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")[-32:]
        self.number = sha256(NAME.encode(), b"\n", self.public)[:4]

    @staticmethod
    def openssl(*argv):
        return subprocess.run(["openssl", *argv], capture_output=True, check=True).stdout

    @property
    def verifier(self):
        return f"{NAME}+{self.number.hex()}+{base64.b64encode(self.public).decode()}"

    def note(self, text):
        with tempfile.NamedTemporaryFile() as file:  # one for each of the requests that are answered at a time
            file.write(text.encode())
            file.flush()
            signature = self.openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.key, "-in", file.name)
        return f"{text}\n\u2014 {NAME} {base64.b64encode(self.number + signature).decode()}\n".encode()


class SumDatabase:
    """Knows the modules of a mirror as they are when it is made."""

    def __init__(self, directory, mirror):
        self.signer, self.records, self.asked = Signer(directory), {}, []
        for archive in sorted(mirror.root.rglob("*.zip")):
            self.add(archive)
        database = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                database.asked.append(self.path)
                body = database.answer(unquote(self.path))
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def setting(self):
        """The value of GOSUMDB."""
        return f"{self.signer.verifier} http://127.0.0.1:{self.server.server_port}"

    def add(self, archive):
        with zipfile.ZipFile(archive) as file:
            content = {name: file.read(name) for name in file.namelist()}
        path, _, rest = min(content).partition("@")
        version, mod = rest.partition("/")[0], archive.with_suffix(".mod").read_bytes()
        self.records[f"{path}@{version}"] = f"{path} {version} {h1(content)}\n{path} {version}/go.mod {h1({'go.mod': mod})}\n"

    def leaves(self):
        return [sha256(b"\0", text.encode()) for text in self.records.values()]

    def head(self):
        leaves = self.leaves()
        return self.signer.note(f"go.sum database tree\n{len(leaves)}\n{base64.b64encode(tree_hash(leaves)).decode()}\n")

    def answer(self, path):
        """None: not found."""
        leaves = self.leaves()
        if path == "/latest":
            return self.head()
        if path == f"/tile/8/0/000.p/{len(leaves)}":
            return b"".join(leaves)
        module = re.sub("!([a-z])", lambda found: found[1].upper(), path.removeprefix("/lookup/"))
        if module not in self.records:
            return None
        return f"{list(self.records).index(module)}\n{self.printed(module)}\n".encode() + self.head()

    def printed(self, module):
        """The record as it is sent."""
        return self.records[module]
