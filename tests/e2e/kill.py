#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at any moment. `nodekiln build` is killed at the beginning and end of every phase that it reports, and at random moments
(seeded: KILL_SEED, KILL_ROUNDS). After each: no mount, loop device or process is left, the outputs are the old or the new ones; and
the next build works, leaves complete outputs with true sums, and an empty scratch."""
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time

from kiln import Check, Kiln, host_state, left_behind, private_cache, require_root, work_directory

ROUNDS = int(os.environ.get("KILL_ROUNDS", "8"))
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
        # Nobody may wait for a reader, so that the kill hits work and not a full pipe.
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
        if now != old and ("begin", "publish") not in trial.seen:
            problems.append("outputs changed before they were published")
        problems += kiln.sums_problems()
    return problems


def next_build(kiln, text):
    done = kiln.build()
    if done.returncode != 0:
        return [f"the next build failed: {done.stderr.strip()[-600:]}"]
    problems = kiln.sums_problems()
    names = sorted(kiln.outputs())
    if names != ["SHA256SUMS", "small.manifest.json", "small.qcow2", "small.spdx.json", "small.tar.zst"]:
        problems.append(f"the next build left {names}")
    left = [p.name for p in (kiln.cache / "tmp").iterdir()]
    return problems + ([f"left in the cache's tmp: {left}"] if left else [])


def round_of(check, kiln, number, name, **when):
    old, host = artifacts(kiln), host_state()
    text = f"{name} {number}"
    kiln.change_overlay(text)
    if number % 2:
        forget_trees(kiln)
    trial = Trial(kiln, **when).run()
    problems = after_kill(kiln, trial, old, host)
    if trial.killed and trial.code != -9 and trial.code != 0:
        problems.append(f"it ended with {trial.code} instead of being killed")
    problems += next_build(kiln, text)
    check(name, problems)


def main():
    require_root()
    check, directory = Check(), work_directory()
    random.seed(SEED)
    try:
        kiln = Kiln(directory / "kiln", cache=private_cache(directory))
        first = kiln.build()
        if first.returncode != 0:
            check("first-build", [first.stderr.strip()[-600:]])
            return 1
        # A cold build that is not killed tells the moments, and how long it takes.
        kiln.change_overlay("reference")
        forget_trees(kiln)
        began = time.monotonic()
        reference = Trial(kiln).run()
        length = time.monotonic() - began
        check("reference", [] if reference.code == 0 else [f"exit code {reference.code}"])
        moments = [key for key in dict.fromkeys(reference.seen) if key[0] in ("begin", "end")]
        for n, (event, phase) in enumerate(moments):
            # Every phase of a cold build is met with cold trees: an odd number.
            round_of(check, kiln, 2 * n + 1, f"{event}-{phase}", event=(event, phase))
        for n in range(ROUNDS):
            round_of(check, kiln, n, f"random-{n}", seconds=random.uniform(0.01, length * 1.05))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
