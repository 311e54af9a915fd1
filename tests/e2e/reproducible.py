#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two builds of one lock with one SOURCE_DATE_EPOCH are equal bit for bit, preloaded images included: with the trees of another day's build
or none, in memory or on disk; and by another user without root's rights, in another checkout, with another umask, hostname, time zone,
language and number of cores, and nothing in the cache but downloads. `nodekiln diff` names what differs, and is itself tried on artifacts
that do."""
import json
import os
import shutil
import subprocess
import sys

from harness import second_host
from harness.build_env import NODEKILN, Check, private_cache, require_root, work_directory

EPOCH, OTHER_DAY = "1700000000", "1600000000"
EQUAL, DIFFERENT, TROUBLE, MISSING = 0, 1, 2, 3
FILES = ("small.qcow2", "small.tar.zst", "small.spdx.json", "small.provenance.json", "small.manifest.json")
SHOWN = 6  # differences


def diff(*arguments):
    return subprocess.run([NODEKILN, "diff", *arguments], capture_output=True, text=True)


def manifest(path):
    document = json.loads(path.read_text())
    del document["timings"]
    return document


def same(a, b):
    return manifest(a) == manifest(b) if a.name.endswith(".manifest.json") else a.read_bytes() == b.read_bytes()


def difference(a, b):
    """[] for equal files; else what nodekiln diff says."""
    if same(a, b):
        return []
    done = diff(a, b)
    return [f"{a.name} differs", *done.stdout.splitlines()[:SHOWN], done.stderr.strip()]


class Here:
    """A checkout and a cache of root's."""

    def __init__(self, directory):
        self.checkout, self.cache = directory / "here", private_cache(directory)
        second_host.checkout(self.checkout)

    def run(self, *arguments, epoch=EPOCH):
        return subprocess.run(["out/nodekiln", *arguments], cwd=self.checkout, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**os.environ, "SOURCE_DATE_EPOCH": epoch, "NODEKILN_CACHE": str(self.cache)})

    def build(self, out, *options, **more):
        return self.run("build", "recipe.yaml", "--plain", "--locked", "--out", out, *options, **more)


def build_elsewhere(directory, here):
    elsewhere = directory / "quite/another place"
    second_host.checkout(elsewhere)
    shutil.copy(here.checkout / "small.lock.json", elsewhere)
    second_host.give(elsewhere)
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANGUAGE": "tr",
                   "SOURCE_DATE_EPOCH": EPOCH, "NODEKILN_CACHE": str(second_host.cache(directory / "their-cache", here.cache))}
    command = ["sh", "-c", "umask 077; exec taskset -c 0 out/nodekiln build recipe.yaml --plain --locked --offline --scratch disk"]
    done = second_host.run(directory, command, elsewhere, environment, prefix=["unshare", "--uts", "sh", "-c",
                                                                            'hostname elsewhere; exec "$@"', "sh"])
    return elsewhere / "out", done


def reports(problems, a, b, *lines, code=DIFFERENT):
    done = diff(a, b)
    said = done.stdout.splitlines()
    problems = problems + ([f"exit code {done.returncode} of {a} {b}: {done.stderr}"] if done.returncode != code else [])
    return problems + [f"no line '{line}' in {said[:SHOWN]}" for line in lines if not any(s.startswith(line) for s in said)]


def changes_are_reported(here):
    old, new = here.checkout / "cold", here.checkout / "changed"
    (here.checkout / "overlay/etc/nodekiln-test").write_text("second")
    (here.checkout / "overlay/etc/young").symlink_to("nodekiln-test")
    done = here.build("changed")
    problems = [] if done.returncode == 0 else [done.stderr.strip()[-300:]]
    for name in ("small.qcow2", "small.tar.zst"):
        problems = reports(problems, old / name, new / name, "~ /etc/nodekiln-test: size 5 -> 6, content ", "+ /etc/young: type link",
                         "~ /etc/nodekiln/image.json: ")
    problems = reports(problems, old / "small.manifest.json", new / "small.manifest.json", "~ (document): key ", "~ artifacts[small.qcow2]: ")
    problems = reports(problems, old / "small.qcow2", old / "small.qcow2", code=EQUAL)
    problems = reports(problems, old / "small.qcow2", old / "small.manifest.json", code=TROUBLE)
    return reports(problems, old / "small.qcow2", old / "missing", code=MISSING)


def main():
    require_root()
    check, directory = Check(), work_directory()
    try:
        here = Here(directory)
        builds = [("lock", here.run("lock", "recipe.yaml")), ("another day", here.build("another-day", epoch=OTHER_DAY)),
                  ("warm", here.build("warm"))]
        shutil.rmtree(here.cache / "trees")
        builds.append(("cold", here.build("cold", "--scratch", "memory")))
        elsewhere, done = build_elsewhere(directory, here)
        for name, done in [*builds, ("elsewhere", done)]:
            check(f"build: {name}", [] if done.returncode == 0 else [done.stderr.strip()[-400:]])
        if not check.failed:
            for file in FILES:
                check(f"cold, and from another day's trees: {file}", difference(here.checkout / "cold" / file, here.checkout / "warm" / file))
                check(f"root here, and a user elsewhere: {file}", difference(here.checkout / "cold" / file, elsewhere / file))
            check("nodekiln diff reports what changed", changes_are_reported(here))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
