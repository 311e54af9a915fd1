#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Without root's rights: root in a container without CAP_SYS_ADMIN builds what root builds; where nothing can be built, one sentence says what
is missing before anything begins. (reproducible.py has the whole build of another user.)"""
import os
import shutil
import sys
import time

import stranger
from kiln import HOST, Check, Kiln, private_cache, require_root, sentences, work_directory

QUICK = 5  # seconds; before anything is downloaded or made
NO_ADMIN = ["capsh", "--drop=cap_sys_admin", "--", "-c", 'exec "$@"', "sh"]
NO_NAMESPACES = ["unshare", "--user", "--map-root-user", "sh", "-c",
                 'echo 0 >/proc/sys/user/max_user_namespaces && exec capsh --drop=cap_sys_admin -- -c \'exec "$@"\' sh "$@"', "sh"]


def refused(done, started, *words):
    said = " ".join(sentences(done.stderr))
    problems = [] if done.returncode == HOST else [f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"]
    problems += [f"no '{word}' in: {said}" for word in words if word not in said]
    return problems + ([f"took {time.monotonic() - started:.0f} s"] if time.monotonic() - started > QUICK else [])


def without_admin(kiln, lock):
    """Into another directory, with no tree in the cache."""
    out = kiln.directory / "container"
    shutil.rmtree(kiln.cache / "trees")
    done = kiln.run([*NO_ADMIN, *kiln.argv("build", kiln.recipe, "--plain", "--lock", lock, "--out", out)])
    if done.returncode != 0:
        return [done.stderr.strip()[-400:]]
    return [f"{name} differs" for name in ("small.qcow2", "small.tar.zst")
            if (out / name).read_bytes() != (kiln.out / name).read_bytes()]


def no_namespaces(kiln, lock):
    started = time.monotonic()
    return refused(kiln.run([*NO_NAMESPACES, *kiln.build_argv("--lock", lock, "--force")]), started, "user namespace", "CAP_SYS_ADMIN")


def no_ids(directory, lent):
    place = directory / f"stranger.{len(lent)}"
    stranger.checkout(place)
    stranger.give(place)
    started = time.monotonic()
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "NODEKILN_CACHE": str(place / "cache")}
    done = stranger.run(directory, ["out/nodekiln", "build", "recipe.yaml", "--plain"], place, environment, lent=lent)
    doctor = stranger.run(directory, ["out/nodekiln", "doctor"], place, environment, lent=lent)
    rows = [line for line in doctor.stdout.splitlines() if line.startswith("MISSING") and "lent ids" in line]
    problems = refused(done, started, "/etc/subuid", "usermod --add-subuids")
    return problems + ([] if rows else [f"doctor does not tell: {doctor.stdout[-300:]}"])


def main():
    require_root()
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    check, directory = Check(), work_directory()
    try:
        kiln = Kiln(directory / "kiln", cache=private_cache(directory))
        lock = directory / "small.lock.json"
        made = [kiln.run(kiln.argv("lock", kiln.recipe, "-o", lock)), kiln.build("--lock", lock)]
        check("root builds", [done.stderr.strip()[-400:] for done in made if done.returncode])
        check("root without CAP_SYS_ADMIN builds the same", without_admin(kiln, lock))
        check("neither CAP_SYS_ADMIN nor user namespaces", no_namespaces(kiln, lock))
        check("a user without lent ids", no_ids(directory, ""))
        check("a user with too few ids", no_ids(directory, f"{stranger.NAME}:200000:1000\n"))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
