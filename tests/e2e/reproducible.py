#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two builds of one lock with one SOURCE_DATE_EPOCH are equal bit for bit, although the first had nothing and the second everything in
its cache, and although they ran in different directories at different times. What differs is named: where it begins, and in the tarball
which members."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

from kiln import Check, Kiln, private_cache, require_root, work_directory

EPOCH = "1700000000"


def first_difference(a, b):
    """The offset of the first byte that differs; the length of the shorter one when it is a beginning of the other."""
    with open(a, "rb") as f, open(b, "rb") as g:
        offset = 0
        while (x := f.read(1 << 20)) == (y := g.read(1 << 20)) and x:
            offset += len(x)
        return offset + next((i for i, (p, q) in enumerate(zip(x, y)) if p != q), min(len(x), len(y)))


def unpack(tarball):
    directory = tarball.parent / "unpacked"
    directory.mkdir()
    subprocess.run(["tar", "-xf", tarball, "-C", directory], check=True)
    return directory


def contents(a, b):
    """The files that differ, as diff(1) says it."""
    one, two = unpack(a), unpack(b)
    said = subprocess.run(["diff", "-rq", "--no-dereference", one, two], capture_output=True, text=True).stdout.splitlines()
    shutil.rmtree(one), shutil.rmtree(two)
    return said


def members(tarball):
    listing = subprocess.run(["tar", "--full-time", "--numeric-owner", "-tvf", tarball], check=True, capture_output=True, text=True)
    return set(listing.stdout.splitlines())


def difference(a, b):
    if a.read_bytes() == b.read_bytes():
        return []
    problems = [f"{a.name} differs from byte {first_difference(a, b)} on"]
    if a.name.endswith(".tar.zst"):
        problems += [*sorted(members(a) ^ members(b))[:6], *contents(a, b)[:6]]
    return problems


def main():
    require_root()
    os.environ["SOURCE_DATE_EPOCH"] = EPOCH
    check, directory = Check(), work_directory()
    try:
        kiln = Kiln(directory / "first", cache=private_cache(directory))
        lock = directory / "small.lock.json"
        # The recipe's path is not part of it: both builds read the same one.
        locked = kiln.run(kiln.argv("lock", kiln.recipe, "-o", lock))
        cold = kiln.build("--lock", lock)
        again = directory / "second"
        shutil.copytree(kiln.out, again / "old")
        warm = kiln.run([*kiln.argv("build", kiln.recipe, "--plain", "--out", again, "--lock", lock)])
        shutil.rmtree(kiln.cache / "trees")
        forced = kiln.build("--lock", lock, "--force", "--scratch", "disk")
        for name, done in (("lock", locked), ("cold", cold), ("warm", warm), ("forced", forced)):
            check(f"{name} build" if name != "lock" else name, [] if done.returncode == 0 else [done.stderr.strip()[-400:]])
        if not check.failed:
            for file in ("small.qcow2", "small.tar.zst", "small.spdx.json"):
                check(f"cold and warm: {file}", difference(again / "old" / file, again / file))
                check(f"in memory and on disk: {file}", difference(again / "old" / file, kiln.out / file))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
