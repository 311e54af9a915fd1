#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Without root's rights: root in a container without CAP_SYS_ADMIN builds what root builds, with user namespaces, and in a container
that has no more than Docker gives it and may make none; what can't be built there is refused by one sentence before anything begins.
(reproducible.py has the whole build of another user.)"""
import os
import shutil
import subprocess
import sys
import time

from harness import second_host
from harness.build_env import HOST, TOP, BuildEnv, Check, host_state, left_behind, private_cache, require_root, sentences, work_directory

QUICK = 5  # seconds; before anything is downloaded or made
NO_ADMIN = ["capsh", "--drop=cap_sys_admin", "--", "-c", 'exec "$@"', "sh"]
CONFINED = [str(TOP / "tests/confine.py")]
# A container's own file system, where the cache is by default, is an overlay, which has rules of its own.
ON_OVERLAY = ["unshare", "--mount", "sh", "-c",
              'mount -t overlay overlay -o "lowerdir=$1,upperdir=$1.upper,workdir=$1.work" "$1" && shift && exec "$@"', "sh"]
# Its systemd-tmpfiles looks for itself in /proc, which no process can mount there.
KEYS = "packages:\n  base: [systemd]\n  extra: [less]\n"
# Root of a user namespace may make no device nodes either.
NO_DEVICES = ["unshare", "--user", "--map-root-user", "sh", "-c",
                 'echo 0 >/proc/sys/user/max_user_namespaces && exec capsh --drop=cap_sys_admin -- -c \'exec "$@"\' sh "$@"', "sh"]


def refused(done, started, *words):
    said = " ".join(sentences(done.stderr))
    problems = [] if done.returncode == HOST else [f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"]
    problems += [f"no '{word}' in: {said}" for word in words if word not in said]
    return problems + ([f"took {time.monotonic() - started:.0f} s"] if time.monotonic() - started > QUICK else [])


def differences(kiln, out, done):
    if done.returncode != 0:
        return [done.stderr.strip()[-400:]]
    return [f"{name} differs" for name in ("small.qcow2", "small.tar.zst")
            if (out / name).read_bytes() != (kiln.out / name).read_bytes()]


def builds_the_same(kiln, lock, prefix, *options):
    """Into another directory, with no tree in the cache."""
    out = kiln.directory / "container"
    shutil.rmtree(kiln.cache / "trees")
    return differences(kiln, out, kiln.run([*prefix, *kiln.argv("build", kiln.recipe, "--plain", "--lock", lock, "--out", out, *options)]))


def builds_on_overlay(kiln, lock):
    for name in ("upper", "work"):
        kiln.cache.with_name(f"{kiln.cache.name}.{name}").mkdir()
    return builds_the_same(kiln, lock, [*ON_OVERLAY, kiln.cache, *CONFINED], "--offline")


def from_cached_trees(kiln, lock):
    """Those that it has just made itself; and root's own next to them."""
    out, before = kiln.directory / "container", host_state()
    root = kiln.build("--lock", lock, "--force")
    done = kiln.run([*CONFINED, *kiln.argv("build", kiln.recipe, "--plain", "--lock", lock, "--out", out, "--force")])
    problems = [] if root.returncode == 0 else [root.stderr.strip()[-400:]]
    problems += [] if "trees found" in done.stderr else [f"no tree was found: {done.stderr[-300:]}"]
    return problems + differences(kiln, out, done) + left_behind(kiln, before)


def dies_whole(kiln, lock):
    """Killed while packages are configured, it leaves no process behind."""
    before = host_state()
    shutil.rmtree(kiln.cache / "trees")
    with subprocess.Popen([*CONFINED, *kiln.build_argv("--lock", lock, "--force", "--verbose")], env=kiln.environment(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        seen = next((line for line in child.stdout if "Setting up" in line), None)
        child.kill()
        child.wait()  # and not for its output's end: a process that is left behind may hold it open
    return ([] if seen else ["nothing was configured"]) + left_behind(kiln, before)


def with_images(directory):
    kiln = BuildEnv(directory / "images", keys="runtime: containerd\npackages:\n  base: [containerd, runc]\nimages:\n  archives: [./images.tar]\n", cache=directory / "cache")
    (kiln.directory / "images.tar").write_bytes(second_host.images())
    started = time.monotonic()
    return refused(kiln.run([*CONFINED, *kiln.build_argv()]), started, "preloads images", "CAP_SYS_ADMIN", "user namespaces")


def no_devices(kiln, lock):
    started = time.monotonic()
    return refused(kiln.run([*NO_DEVICES, *kiln.build_argv("--lock", lock, "--force")]), started, "device node", "--cap-add MKNOD")


def no_capability(kiln, lock):
    started = time.monotonic()
    return refused(kiln.run([*CONFINED, "--without", "SETFCAP", *kiln.build_argv("--lock", lock, "--force")]), started,
                   "user namespaces", "--cap-add SETFCAP")


def doctor_reports(kiln):
    done = kiln.run([*CONFINED, *kiln.argv("doctor")])
    rows = [line for line in done.stdout.splitlines() if line.startswith("ok") and "chroot" in line]
    return [] if rows else [f"doctor: {done.stdout[-400:]}"]


def no_ids(directory, ids):
    place = directory / f"stranger.{len(ids)}"
    second_host.checkout(place)
    second_host.give(place)
    started = time.monotonic()
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "NODEKILN_CACHE": str(place / "cache")}
    done = second_host.run(directory, ["out/nodekiln", "build", "recipe.yaml", "--plain"], place, environment, ids=ids)
    doctor = second_host.run(directory, ["out/nodekiln", "doctor"], place, environment, ids=ids)
    rows = [line for line in doctor.stdout.splitlines() if line.startswith("MISSING") and "subordinate ids" in line]
    problems = refused(done, started, "/etc/subuid", "usermod --add-subuids")
    return problems + ([] if rows else [f"doctor does not say: {doctor.stdout[-300:]}"])


def main():
    require_root()
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    check, directory = Check(), work_directory()
    try:
        kiln = BuildEnv(directory / "kiln", KEYS, cache=private_cache(directory))
        lock = directory / "small.lock.json"
        made = [kiln.run(kiln.argv("lock", kiln.recipe, "-o", lock)), kiln.build("--lock", lock)]
        check("root builds", [done.stderr.strip()[-400:] for done in made if done.returncode])
        check("root without CAP_SYS_ADMIN builds the same", builds_the_same(kiln, lock, NO_ADMIN))
        check("root in a container builds the same, without a network", builds_on_overlay(kiln, lock))
        check("root in a container builds the same from cached trees", from_cached_trees(kiln, lock))
        check("root in a container: killed", dies_whole(kiln, lock))
        check("root in a container: images", with_images(directory))
        check("root in a container: doctor", doctor_reports(kiln))
        check("root in a container without a capability", no_capability(kiln, lock))
        check("root in a container without devices", no_devices(kiln, lock))
        check("a user without subordinate ids", no_ids(directory, ""))
        check("a user with too few ids", no_ids(directory, f"{second_host.NAME}:200000:1000\n"))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
