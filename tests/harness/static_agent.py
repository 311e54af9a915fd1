# SPDX-License-Identifier: Apache-2.0
"""A small Debian 13 image whose agent is compiled with Mbed TLS, and the tree with its compilers.

A mirror may lack the current source package of curl (its index names files that it does not have). Then the package is made here,
of the release's own tarball without Debian's patches, and served by a loopback archive: the indices that apt has verified, with this
source, signed by a key of the test. The binary packages come from the mirror."""
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import urllib.request
from pathlib import Path

from harness.build_env import DEFAULT_CACHE, NODEKILN, TOP
from harness.repository import ARCHITECTURE, Archive, Key, Server

SUITE = "trixie"
DEBIAN = {"changelog": "curl (VERSION) unstable; urgency=low\n\n  * For a test.\n\n -- test <test@example.invalid>  Sat, 01 Jan 2026 00:00:00 +0000\n",
          "control": "Source: curl\nMaintainer: test <test@example.invalid>\n\nPackage: curl\nArchitecture: any\nDescription: test\n",
          "copyright": "See COPYING.\n", "rules": "#!/usr/bin/make -f\n", "source/format": "3.0 (quilt)\n"}
RECIPE = """name: static
description: An agent on Mbed TLS, for tests
distribution: {{suite: {suite}, variant: essential, updates: false, security: false{more}}}
agent: {{libcurl: {libcurl}}}
outputs: {{qcow2: {{enabled: false}}}}
"""


def nodekiln(*arguments):
    environment = {**os.environ, "NODEKILN_CACHE": str(DEFAULT_CACHE), "no_proxy": "127.0.0.1"}
    done = subprocess.run([NODEKILN, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          timeout=900, env=environment)
    if done.returncode:
        raise RuntimeError(f"nodekiln {arguments[0]}: exit status {done.returncode}: {done.stderr[-900:]}")
    return done


def lists():
    """The newest of the mirror's indices that apt has verified: of binary and of source packages."""
    found = max(DEFAULT_CACHE.glob(f"apt/*/var/lib/apt/lists/*_dists_{SUITE}_main_source_Sources"), key=lambda p: p.parents[4].stat().st_mtime)
    return found.with_name(found.name.replace("source_Sources", f"binary-{ARCHITECTURE}_Packages")), found


def original(sources):
    """Directory, name and sha256 of curl's own tarball, and the version."""
    stanza = re.search(r"^Package: curl\n(?:.+\n)+", sources.read_text(), re.M)[0]
    directory = re.search(r"^Directory: (\S+)", stanza, re.M)[1]
    sha256, name = re.search(r"^ ([0-9a-f]{64}) \d+ (curl_\S+\.orig\.tar\.\S+z)$", stanza, re.M).groups()
    return directory, name, sha256


class Curl(Archive):
    """An archive with the mirror's packages, and a source package of curl of our own."""

    def add_curl(self, tarball):
        version = f"{tarball.name.split('_')[1].split('.orig')[0]}-0test1"
        pool = self.root / "pool"
        pool.mkdir(parents=True)
        shutil.copy(tarball, pool)
        packed = pool / f"curl_{version}.debian.tar.xz"
        with tarfile.open(packed, "w:xz") as tar:
            for name, text in DEBIAN.items():
                data = text.replace("VERSION", version).encode()
                member = tarfile.TarInfo(f"debian/{name}")
                member.size, member.mode = len(data), 0o755 if name == "rules" else 0o644
                tar.addfile(member, io.BytesIO(data))
        sums = lambda kind, paths: "".join(f" {hashlib.new(kind, p.read_bytes()).hexdigest()} {p.stat().st_size} {p.name}\n" for p in paths)
        parts = [pool / tarball.name, packed]
        dsc = pool / f"curl_{version}.dsc"
        fields = f"Format: 3.0 (quilt)\n{{}}Binary: curl\nArchitecture: any\nVersion: {version}\nMaintainer: test <test@example.invalid>\n"
        dsc.write_text(f"{fields.format('Source: curl' + chr(10))}Checksums-Sha256:\n{sums('sha256', parts)}Files:\n{sums('md5', parts)}")
        self.sources.append(f"{fields.format('Package: curl' + chr(10))}Directory: pool\nChecksums-Sha256:\n{sums('sha256', [dsc, *parts])}\n")


def write_recipe(directory, libcurl, more=""):
    recipe = directory / "static.yaml"
    recipe.write_text(RECIPE.format(suite=SUITE, libcurl=libcurl, more=more))
    return recipe


class StaticAgent:
    """out/ with the image. Its distribution is the mirror's, or the loopback archive's."""

    def __init__(self, work):
        self.work, self.out = work, work / "out"
        self.key, self.own_source = None, None
        lock = work / "static.lock.json"
        nodekiln("lock", write_recipe(work, "auto"), "-o", lock)
        lock = json.loads(lock.read_text())
        self.mirror = lock["repositories"][0]
        if any(source["name"] == "curl" for source in lock["sources"]):
            self.build(write_recipe(work, "compiled"))
        else:
            self.build_with_own_source()

    def build(self, recipe):
        nodekiln("build", recipe, "--plain", "--out", self.out)
        self.manifest = json.loads((self.out / "static.manifest.json").read_text())
        self.sbom = json.loads((self.out / "static.spdx.json").read_text())
        self.template = self.out / "static.tar.zst"

    def download(self, path, sha256):
        """A file of the mirror in work/."""
        with urllib.request.urlopen(self.mirror + path, timeout=60) as answer:
            data = answer.read()
        file = self.work / path.rpartition("/")[2]
        if hashlib.sha256(data).hexdigest() != sha256:
            raise RuntimeError(f"{file.name} is not what the index says")
        file.write_bytes(data)
        return file

    def build_with_own_source(self):
        packages, sources = lists()
        directory, name, sha256 = original(sources)
        tarball = self.download(f"{directory}/{name}", sha256)
        archive = Curl(self.work / "archive")
        archive.add_curl(tarball)
        archive.stanzas.append(packages.read_text())
        self.key, self.own_source = Key(self.work, "static"), name
        try:
            archive.write(self.key, suite=SUITE)
            (self.work / "static.gpg").write_bytes(self.key.binary())
            with Server(self.work / "archive", elsewhere=self.mirror.rstrip("/")) as server:
                self.build(write_recipe(self.work, "compiled", f", mirror: '{server.url}', keyring: {self.work}/static.gpg"))
        finally:
            self.key.stop()

    def libcurl(self):
        """The directory of the cache with libcurl.a and the headers."""
        return max(DEFAULT_CACHE.glob("artifacts/*/libcurl.a"), key=lambda p: p.stat().st_mtime).parent

    def package(self, package):
        """The cache has it until it is pruned; the trees that were made of it live longer there."""
        cached = DEFAULT_CACHE / "files" / package["sha256"]
        return cached if cached.exists() else self.download(package["path"], package["sha256"])

    def tree(self):
        """The compilers and libraries that the agent was made with, unpacked. A program runs there with run()."""
        self.root = self.work / "tree"
        self.root.mkdir()
        for package in self.manifest["lock"]["packages"]["toolchain"]:
            subprocess.run(["dpkg-deb", "--extract", self.package(package), self.root], check=True, capture_output=True)
        for folder in ("agent", "lib", "tests/agent", "tests/unit", "tests/golden/pki"):
            shutil.copytree(TOP / folder, self.root / "src" / folder)
        shutil.copytree(self.libcurl(), self.root / "libcurl")
        return self.root

    def run(self, *argv, **options):
        return subprocess.run(["chroot", self.root, "env", "-C", "/src", *map(str, argv)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=300, **options)

    def compile(self, program, *sources):
        """Links /src/PROGRAM from C files and lib/, as the agent is linked."""
        library = sorted(f"lib/{p.name}" for p in (self.root / "src/lib").glob("*.c") if not p.stem.endswith("_openssl"))
        done = self.run("gcc", "-std=gnu17", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-O1", "-pthread", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", '-DNODEKILN_VERSION="test"',
                        '-DNODEKILN_PREFIX="/usr"', "-I.", "-I/libcurl/include", "-o", program, *sources, *library, "/libcurl/libcurl.a", "-Wl,-Bstatic",
                        "-lmbedtls", "-lmbedx509", "-lmbedcrypto", "-lyaml", "-ljson-c", "-Wl,-Bdynamic", "-lssl", "-lcrypto")
        if done.returncode:
            raise RuntimeError(f"compile {program}: {done.stderr[-1500:]}")
