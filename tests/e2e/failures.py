#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the world, and what `nodekiln build` makes of it: one sentence, the documented exit code, the old outputs as they
were, and nothing left behind. A case is a row of CASES; its function prepares the world and returns the command."""
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from harness.build_env import (FAILED, NETWORK, RECIPE, SPACE, TRUST, USAGE, BuildEnv, Check, host_state, left_behind, require_root,
                               sentences, work_directory)
from harness.repository import Flat, Key, Server

OLD = {"small.qcow2": "old disk", "small.tar.zst": "old tarball", "small.manifest.json": "{}", "SHA256SUMS": ""}
BAKERY_VERSION = "1.0"


class World:
    """One case's directory: a kiln with old outputs, and a signed repository with one package in it."""

    def __init__(self, directory, server):
        self.directory = Path(directory)
        self.server = server
        self.kiln = BuildEnv(self.directory)
        for name, text in OLD.items():
            (self.kiln.out / name).write_text(text)

    def add_keys(self, text):
        self.kiln.recipe.write_text(self.kiln.recipe.read_text() + text)

    def repository(self, key, trusted=None, break_deb=None, **options):
        """Adds a repository of ours, and a package of it, to the recipe; trusted: the key that the recipe knows."""
        repo = Flat(self.directory / "deb")
        repo.root.mkdir()
        if break_deb == "content":
            self.add_broken(repo)
        else:
            deb = repo.add("bakery", BAKERY_VERSION)
        repo.write(key, **options)
        if break_deb == "bytes":
            data = bytearray(deb.read_bytes())
            data[len(data) // 2] ^= 0xFF
            deb.write_bytes(data)
        (self.directory / "key.gpg").write_bytes((trusted or key or KEYS["good"]).binary())
        self.add_keys(f"repositories:\n  - url: {self.server.url}/{self.directory.name}/deb/\n    suite: /\n"
                      f"    keyring: ./key.gpg\npackages:\n  base: [bakery]\n")
        return self.kiln.build_argv()

    @staticmethod
    def add_broken(repo):
        """A file with the name and the right digest of a .deb, and nothing of one in it: its index is true, its maker was not."""
        deb = repo.add("bakery", BAKERY_VERSION)
        good = deb.read_bytes()
        bad = good[:200] + b"\0" * (len(good) - 200)
        deb.write_bytes(bad)
        import hashlib
        repo.stanzas[-1] = repo.stanzas[-1].replace(hashlib.sha256(good).hexdigest(), hashlib.sha256(bad).hexdigest())


KEYS = {}


def unreachable_mirror(w):
    return w.kiln.build_argv("--mirror", "http://127.0.0.1:9/debian", "--update")


def wrong_hash(w):
    lock = w.directory / "small.lock.json"
    made = w.kiln.run(w.kiln.argv("lock", w.kiln.recipe, "-o", lock))
    assert made.returncode == 0, made.stderr
    text = lock.read_text()
    # The first package's digest, wherever the lock keeps it: another file of that size is not to be had.
    found = next(v for v in walk(json.loads(text)) if isinstance(v, dict) and "sha256" in v and "version" in v)
    lock.write_text(text.replace(found["sha256"], "0" * 64))
    return w.kiln.build_argv("--lock", lock)


def walk(value):
    yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(child)


def with_keys(text):
    def prepare(w):
        w.add_keys(text)
        return w.kiln.build_argv()
    return prepare


def with_options(*options):
    return lambda w: w.kiln.build_argv(*options)


def too_large(w):
    """Two GiB that are no hole, which would take no space, for a disk of 2 GiB."""
    with open(w.kiln.overlay / "large", "wb") as f:
        for _ in range(2 << 10):
            f.write(b"x" * (1 << 20))
    return w.kiln.build_argv("--set", "outputs.tarball.enabled=false")


def on_small_tmpfs(place, size):
    """The command with a small tmpfs on place(w), in a mount namespace of its own."""
    def prepare(w):
        target = place(w)
        script = 'mount -t tmpfs -o mode=755,size="$1" tmpfs "$2" && shift 2 && exec "$@"'
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", size, str(target), *w.kiln.build_argv()]
    return prepare


def small_cache(w):
    w.kiln.cache = w.directory / "cache"
    w.kiln.cache.mkdir()
    return w.kiln.cache


def busy(w):
    """Another process builds the same name: a lock on its staging directory, as a build holds it."""
    stage = w.kiln.out / ".small.stage"
    stage.mkdir()
    w.holder = subprocess.Popen(["flock", "--no-fork", str(stage), "sleep", "60"])
    time.sleep(0.3)
    return w.kiln.build_argv()


def lock_over_a_pipe(w):
    """As `-o /dev/null` would be: what is there must stay."""
    pipe = w.kiln.directory / "pipe"
    os.mkfifo(pipe)
    return w.kiln.argv("lock", w.kiln.recipe, "-o", pipe)


@dataclass
class Case:
    name: str
    prepare: Callable
    code: int
    says: tuple  # what the sentence must contain
    stage_stays: bool = False


CASES = [
    Case("unreachable-mirror", unreachable_mirror, NETWORK, ("127.0.0.1",)),
    Case("wrong-hash", wrong_hash, TRUST, ("0" * 64, "sha256")),
    Case("deb-damaged-on-the-way", lambda w: w.repository(KEYS["good"], break_deb="bytes"), TRUST, ("bakery", "sha256")),
    Case("deb-that-is-none", lambda w: w.repository(KEYS["good"], break_deb="content"), FAILED, ("bakery",)),
    Case("signed-by-a-stranger", lambda w: w.repository(KEYS["other"], trusted=KEYS["good"]), TRUST, ("sign",)),
    Case("signed-by-an-expired-key", lambda w: w.repository(KEYS["expired"]), TRUST, ("expired",)),
    Case("index-out-of-date", lambda w: w.repository(KEYS["good"], valid_until=time.time() - 86400), TRUST, ("expired",)),
    Case("index-changed-after-signing", lambda w: w.repository(KEYS["good"], tamper=True), TRUST, ("sign",)),
    Case("index-not-signed", lambda w: w.repository(None), TRUST, ("sign",)),
    Case("missing-overlay", with_keys("  lxc: [./not-there]\n"), RECIPE, ("not-there",)),
    Case("unknown-package", with_keys("packages:\n  lxc: [no-such-package-at-all]\n"), RECIPE, ("no-such-package-at-all",)),
    Case("unknown-key", with_keys("kernel: big\n"), RECIPE, ("small.yaml:4", "kernel", "allowed")),
    Case("bad-value", with_keys("runtime: podman\n"), RECIPE, ("small.yaml:4", "podman", "containerd")),
    Case("not-yaml", with_keys("}{\n"), RECIPE, ("small.yaml:4",)),
    Case("no-such-recipe", lambda w: w.kiln.argv("build", "nothing-by-that-name", "--out", w.kiln.out), RECIPE, ("nothing-by-that-name",)),
    Case("unknown-option", with_options("--colour"), USAGE, ("--colour", "--help")),
    Case("lock-over-a-pipe", lock_over_a_pipe, USAGE, ("is not a lock",)),
    Case("larger-than-its-disk", too_large, SPACE, ("the tree holds", "disk.size")),
    Case("no-space-for-outputs", on_small_tmpfs(lambda w: w.kiln.out, "4m"), SPACE, ("space",)),
    Case("no-space-for-package-lists", on_small_tmpfs(small_cache, "24m"), SPACE, ("MiB of space, but the package lists", "NODEKILN_CACHE")),
    Case("no-space-for-the-cache", on_small_tmpfs(small_cache, "224m"), SPACE, ("space",)),
    Case("another-process-builds-it", busy, FAILED, ("another build", "--out"), stage_stays=True),
]


def problems_of(case, world, argv):
    before, host = world.kiln.outputs(), host_state()
    done = world.kiln.run(argv)
    said = sentences(done.stderr)
    after = world.kiln.outputs()
    problems = []
    if done.returncode != case.code:
        problems.append(f"exit code {done.returncode}, not {case.code}")
    if len(said) != 1 or not done.stderr.rstrip().splitlines()[-1].startswith("error: "):
        problems.append(f"{len(said)} sentences")
    problems += [f"the sentence lacks '{word}'" for word in case.says if said and word.lower() not in said[-1].lower()]
    if after != before:
        problems.append(f"outputs changed: {sorted(set(after.items()) ^ set(before.items()))}")
    problems += left_behind(world.kiln, host)
    return problems + ([f"it said: {done.stderr.strip()[-600:]}"] if problems else [])


def run_case(case, directory, server):
    world = World(directory, server)
    world.holder = None
    try:
        return problems_of(case, world, case.prepare(world))
    finally:
        if world.holder:
            world.holder.kill()
            world.holder.wait()
        shutil.rmtree(directory, ignore_errors=True)


def main():
    require_root()
    check, directory = Check(), work_directory()
    wanted = sys.argv[1:]
    try:
        KEYS.update(good=Key(directory, "good"), other=Key(directory, "other"), expired=Key(directory, "expired", expired=True))
        with Server(directory) as server:
            for case in CASES:
                if not wanted or case.name in wanted:
                    check(case.name, run_case(case, directory / case.name, server))
    finally:
        for key in KEYS.values():
            key.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
