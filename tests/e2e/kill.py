#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at any moment. `nodekiln build` is killed at the beginning of every phase that it reports, in a cold cache, and at random
moments in a cold and a warm one (seeded: KILL_SEED, KILL_ROUNDS). After each: no mount, loop device or process is left, the outputs
are the old or the new ones; and the next build works, leaves complete outputs with true sums, and an empty scratch."""
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time

from harness.build_env import BuildEnv, Check, host_state, left_behind, private_cache, require_root, work_directory

ROUNDS = int(os.environ.get("KILL_ROUNDS", "6"))
SEED = int(os.environ.get("KILL_SEED", "1"))


class Trial:
    """A build that is killed once `when` says so of an event, or after some seconds."""

    def __init__(self, kiln, event=None, seconds=None):
        self.kiln, self.event, self.seconds = kiln, event, seconds
        self.seen, self.killed = [], False

    def run(self):
        argv = [a for a in self.kiln.build_argv() if a != "--plain"] + ["--json"]
        self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                      env=self.kiln.environment())
        # No process may wait for a reader, so that the kill hits work and not a full pipe.
        errors = []
        threading.Thread(target=lambda: errors.append(self.child.stderr.read()), daemon=True).start()
        timer = threading.Timer(self.seconds, self.kill) if self.seconds else None
        if timer:
            timer.start()
        for line in self.child.stdout:
            self.look_at(json.loads(line))
        if timer:
            timer.cancel()
        self.code = self.child.wait()
        return self

    def look_at(self, event):
        key = (event["event"], event.get("phase"))
        self.seen.append(key)
        if key == self.event and not self.killed:
            self.kill()

    def kill(self):
        self.killed = True
        self.child.kill()


def forget_trees(kiln):
    shutil.rmtree(kiln.cache / "trees", ignore_errors=True)


def artifacts(kiln):
    return {name: sha for name, sha in kiln.outputs().items() if not name.startswith(".")}


def after_kill(kiln, trial, old, host):
    """Old outputs, or, when it was killed during or after the commit, new ones: then the marker or the sums say so."""
    problems = left_behind(kiln, host)
    stage = kiln.out / ".small.stage"
    if not (stage / "commit").exists():
        now = artifacts(kiln)
        if now != old and ("begin", "outputs") not in trial.seen:
            problems.append("outputs changed before they were published")
        problems += kiln.sums_problems()
    return problems


def next_build(kiln):
    done = kiln.build("--verbose")
    if done.returncode != 0:
        return [f"the next build failed: {done.stderr.strip()[-600:]}"]
    problems = kiln.sums_problems()
    names = sorted(kiln.outputs())
    if names != ["SHA256SUMS", *(f"small.{kind}" for kind in ("manifest.json", "provenance.json", "qcow2", "spdx.json", "tar.zst"))]:
        problems.append(f"the next build left {names}")
    left = [f"{p.name}: {[str(f.relative_to(p)) for f in p.rglob('*')][:3]}" for p in (kiln.cache / "tmp").iterdir()]
    if left:
        why = [line for line in done.stderr.splitlines() if line.startswith("debug: ") and "remove" in line or "unmount" in line]
        problems.append(f"left in the cache's tmp: {left} {why[-3:]}")
    return problems


def round_of(check, kiln, name, cold, **when):
    old, host = artifacts(kiln), host_state()
    kiln.change_overlay(name)
    if cold:
        forget_trees(kiln)
    trial = Trial(kiln, **when).run()
    problems = after_kill(kiln, trial, old, host)
    if trial.code not in (-9, 0):
        problems.append(f"it ended with {trial.code} instead of being killed")
    check(name, problems + next_build(kiln))


def all_rounds(check, kiln):
    # A cold build that is not killed gives the moments, and how long it takes.
    kiln.change_overlay("reference")
    forget_trees(kiln)
    began = time.monotonic()
    reference = Trial(kiln).run()
    length = time.monotonic() - began
    check("reference", [] if reference.code == 0 else [f"exit code {reference.code}"])
    for event, phase in dict.fromkeys(reference.seen):
        if event == "begin":
            round_of(check, kiln, f"at-{phase}", True, event=(event, phase))
    for n in range(ROUNDS):
        cold = n % 2 == 0
        round_of(check, kiln, f"random-{n}", cold, seconds=random.uniform(0.01, length if cold else length / 2))


def main():
    require_root()
    check, directory = Check(), work_directory()
    random.seed(SEED)
    try:
        kiln = BuildEnv(directory / "kiln", cache=private_cache(directory))
        first = kiln.build()
        check("first-build", [] if first.returncode == 0 else [first.stderr.strip()[-600:]])
        if first.returncode == 0:
            all_rounds(check, kiln)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
