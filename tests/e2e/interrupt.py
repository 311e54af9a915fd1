#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C: `nodekiln build` at the beginning of some phases, `nodekiln lock` and `seed` while they work. The program ends by the signal and says
what is left; and nothing else is: no process, mount, scratch, part, or directory. (kill.py does the same with SIGKILL.)"""
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from harness.build_env import BuildEnv, Check, host_state, left_behind, private_cache, require_root, work_directory

PHASES = ("resolve", "fetch", "seal-vm", "disk", "outputs")
BUILD_SAYS = "interrupted: the output directory is as it was, or has all new artifacts; nothing else is left of the build"
LOCK_SAYS = "interrupted: the lock is as it was, or new; nothing else is left"
SEED_SAYS = "interrupted: seeds are as they were, or new; nothing else is left"


def ended(code, stderr, words):
    said = stderr.strip().splitlines()
    problems = [] if code == -signal.SIGINT else [f"exit code {code}"]
    return problems + ([] if said and said[-1] == words else [f"it said: {stderr.strip()[-400:]}"])


def build(kiln, phase, out):
    """As from a terminal: each process of the group gets the signal."""
    host, there = host_state(), out.exists()
    before = sorted(out.rglob("*"))
    shutil.rmtree(kiln.cache / "trees", ignore_errors=True)
    argv = kiln.argv("build", kiln.recipe, "--out", out, "--json")
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=kiln.environment(),
                          start_new_session=True) as child:
        seen = next((line for line in child.stdout if f'"{phase}"' in line and '"begin"' in line), None)
        os.killpg(child.pid, signal.SIGINT)
        stderr = child.communicate()[1]
    problems = ended(child.returncode, stderr, BUILD_SAYS) + left_behind(kiln, host) + ([] if seen else [f"no phase {phase}"])
    left = [str(path) for path in (kiln.cache / "tmp").iterdir()]
    now = sorted(out.rglob("*"))
    if now != before and not (out / "SHA256SUMS").exists():
        left += [str(path) for path in now]
    if out.exists() and not there and not now:
        left.append(str(out))
    return problems + ([f"left: {left}"] if left else [])


def seed(kiln, base):
    """Until the signal comes while it writes."""
    node, out = kiln.directory / "cp.yaml", kiln.directory / "seeds"
    node.write_text("cluster: lab\nrole: init\n")
    for wait in (0.01, 0.02, 0.03, 0.05, 0.1):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        run = subprocess.Popen(kiln.argv("seed", "--lxc", base, "--secrets", out / "secrets", "--out", out / "cp.tar.zst", node),
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=kiln.environment(), start_new_session=True)
        time.sleep(wait)
        os.killpg(run.pid, signal.SIGINT)
        stderr = run.communicate()[1]
        hidden = [path.name for path in out.iterdir() if path.name.startswith(".") or not path.stat().st_size]
        if hidden or (run.returncode and "interrupted" in stderr and ended(run.returncode, stderr, SEED_SAYS)):
            return [f"after {wait} s: left {hidden}, exit code {run.returncode}: {stderr}"]
    return []


def lock(directory):
    """While it resolves, in a cache without indices. The last event of one that is not interrupted names the file."""
    kiln = BuildEnv(directory / "lock", cache=directory / "empty")
    argv, file = kiln.argv("lock", kiln.recipe, "--json", "-o"), kiln.directory / "x.lock.json"
    with subprocess.Popen([*argv, file], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=kiln.environment(), start_new_session=True) as child:
        next((line for line in child.stdout if '"progress"' in line), None)  # after a second
        scratch = list((kiln.cache / "tmp").iterdir())
        os.killpg(child.pid, signal.SIGINT)
        problems = ended(child.returncode or child.wait(), child.stderr.read(), LOCK_SAYS)
    left = [str(path) for path in ([file] if file.exists() else []) + list((kiln.cache / "tmp").iterdir())]
    problems += ([f"left: {left}"] if left else []) + ([] if scratch else ["nothing was there to be left"])
    done = kiln.run([*argv, file])
    last = json.loads(done.stdout.splitlines()[-1])
    return problems + ([] if last.get("result") == {"recipe": str(kiln.recipe), "file": str(file)} else [f"the last event: {last}"])


def main():
    require_root()
    check, directory = Check(), work_directory()
    try:
        kiln = BuildEnv(directory / "kiln", cache=private_cache(directory))
        first = kiln.build()
        check("interrupt-first-build", [] if first.returncode == 0 else [first.stderr.strip()[-600:]])
        for phase in PHASES:
            kiln.change_overlay(phase)
            check(f"interrupt-build-at-{phase}", build(kiln, phase, kiln.directory / f"new-{phase}"))
        kiln.change_overlay("again")
        check("interrupt-build-over-outputs", build(kiln, "disk", kiln.out))
        last = kiln.build()
        check("interrupt-last-build", kiln.sums_problems() if last.returncode == 0 else [last.stderr.strip()[-600:]])
        check("interrupt-lock", lock(directory))
        check("interrupt-seed", seed(kiln, next(kiln.out.glob("*.tar.zst"))))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
