# SPDX-License-Identifier: Apache-2.0
"""What the tests of `nodekiln lock` share: a small signed distribution on loopback for each case, and the runner."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from harness.repository import Archive, Flat, Key, Server

TOP = Path(__file__).resolve().parents[2]
NODEKILN = os.environ.get("NODEKILN", TOP / "out/nodekiln")
RECIPE, HOST, NETWORK, TRUST, OLD, UNSAFE = 3, 4, 5, 6, 11, 12
NOBODY = 65534
CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


class World:
    """One case: a distribution of a handful of packages, signed, a recipe for it, and a cache of its own."""

    keys = {}

    def __init__(self, directory, server):
        self.directory, self.server = directory, server
        self.url = f"{server.url}/{directory.name}"
        self.cache = directory / "cache"
        self.keyring = directory / "keyring.gpg"
        self.keyring.write_bytes(self.keys["good"].binary())
        (directory / "debian").mkdir()
        self.debian = Archive(directory / "debian")
        self.extra = {"runtime": "containerd", "packages": {"base": ["containerd"], "vm": ["kernel"], "lxc": ["network"]}}
        self.fill()

    def fill(self):
        add = self.debian.add
        add("base-files", "12", fields="Essential: yes\n")
        add("apt", "2", depends="libapt")
        add("libapt", "2")
        add("containerd", "1:1.6~ds1-1+b2", depends="library (>= 1)")
        add("library", "1.5")
        add("library-old", "1.0")
        add("kernel", "6.1", depends="library, initramfs")
        add("initramfs", "0.142")
        add("network", "3")
        for name in toolchain():
            add(name, "1")
        self.debian.add_source("curl", "7.88.1-10+deb12u5")
        self.debian.write(self.keys["good"])

    def recipe(self, **changes):
        """A recipe in JSON, which is YAML."""
        recipe = {"name": "test", "description": "test",
                  "distribution": {"id": "debian", "suite": "test", "mirror": self.url + "/debian", "updates": False,
                                   "security": False, "keyring": str(self.keyring)},
                  **self.extra}
        for key, value in changes.items():
            recipe[key] = {**recipe.get(key, {}), **value} if isinstance(value, dict) else value
        file = self.directory / "test.yaml"
        file.write_text(json.dumps(recipe))
        return file

    def program(self, user):
        """For another user a copy: the checkout may lie where only root may look."""
        return shutil.copy(NODEKILN, self.directory / "nodekiln") if user else NODEKILN

    def start(self, *options, user=None, env=None, **changes):
        recipe = self.recipe(**changes)
        environment = {**os.environ, "NODEKILN_CACHE": str(self.cache), "no_proxy": "127.0.0.1", **(env or {})}
        return subprocess.Popen([self.program(user), "lock", recipe, "-o", "-", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=environment, user=user, group=user, extra_groups=[] if user else None)

    def run(self, *options, **changes):
        child = self.start(*options, **changes)
        output, messages = child.communicate(timeout=120)
        return child.returncode, output, messages

    def lock(self, *options, **changes):
        code, output, messages = self.run(*options, **changes)
        assert code == 0, f"exit code {code}: {messages}"
        return json.loads(output)

    def refused(self, code, *words, options=(), **changes):
        """It fails with that code and one sentence that has the words."""
        got, output, messages = self.run(*options, **changes)
        errors = [line for line in messages.splitlines() if re.match(r"(error|ERROR)\b", line)]
        assert got == code, f"exit code {got} instead of {code}: {messages}"
        assert not output and len(errors) == 1, f"not one sentence: {output} {messages}"
        for word in words:
            assert word in errors[0], f"no '{word}' in: {errors[0]}"

    def states(self):
        return sorted(p.name for p in (self.cache / "apt").iterdir())

    def flat(self, key="good", name="deb", **options):
        (self.directory / name).mkdir()
        repo = Flat(self.directory / name)
        for version in ("1.33.9-1.1", "1.34.1-1.1", "1.34.2-1.1", "1.35.0-1.1"):
            for program in ("kubelet", "kubeadm", "kubectl"):
                repo.add(program, version)
        repo.add("cri-tools", "1.34.0-1.1")
        repo.write(self.keys[key] if key else None, **options)
        return repo

    def kubernetes(self, version, fingerprint=None, **changes):
        """The changes to a recipe that take Kubernetes from the flat repository."""
        return {"kubernetes": {"source": "packages", "version": version, "packages": ["cri-tools"]},
                "repositories": [{"url": self.url + "/deb/", "suite": "/", "key_url": self.url + "/key.asc",
                                  "key_fingerprint": fingerprint or self.keys["good"].fingerprint}], **changes}

    def serve_key(self, *names):
        (self.directory / "key.asc").write_bytes(b"".join(self.keys[name].armored() for name in names))


def toolchain():
    """What the toolchain tree asks for: our small distribution must have it, too."""
    text = (TOP / "builder/lock/lock_toolchain.c").read_text()
    tables = re.findall(r"compiler_packages\[\] = \{(.*?)\}", text, re.S)
    return re.findall(r'"([a-z0-9+.-]+)"', tables[0])


def names(lock, group):
    return [package["name"] for package in lock["packages"][group]]


def versions(lock, group):
    return {package["name"]: package["version"] for package in lock["packages"][group]}


def run_case(name, directory, server):
    directory.mkdir()
    server.hold = None
    server.requests.clear()
    try:
        CASES[name](World(directory, server))
    except (AssertionError, OSError, subprocess.TimeoutExpired) as failed:
        line = traceback.extract_tb(failed.__traceback__)[-1].lineno
        print(f"not ok {name}: {str(failed) or f'line {line}'}", flush=True)
        return False
    print(f"ok {name}", flush=True)
    return True


def main():
    if not all(shutil.which(program) for program in ("gpg", "dpkg-deb", "apt-get")):
        print(f"skip {Path(sys.argv[0]).stem}: needs gpg, dpkg and apt")
        return 0
    top = Path(tempfile.mkdtemp(prefix="nodekiln-repository."))
    top.chmod(0o755)
    World.keys = {name: Key(top, name, expired=name == "expired") for name in ("good", "other", "expired")}
    chosen = [name for name in CASES if not sys.argv[1:] or any(pattern in name for pattern in sys.argv[1:])]
    try:
        with Server(top) as server:
            return 0 if all([run_case(name, top / name, server) for name in chosen]) else 1
    finally:
        for key in World.keys.values():
            key.stop()
        shutil.rmtree(top, ignore_errors=True)
