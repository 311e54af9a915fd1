#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`nodekiln boot` with a stub of QEMU, which records how it was started: when KVM is believed, that the machine dies with us,
and that nothing is left behind."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))

STAND_IN = """#!{python}
import json, os, sys, time
files = [a.split("file=")[1] for a in sys.argv if "file=/proc/self/fd/" in a]
note = {{"argv": sys.argv[1:], "pid": os.getpid(), "readable": [os.path.exists(f) and os.access(f, os.R_OK) for f in files]}}
with open("{log}", "a") as log:
    log.write(json.dumps(note) + "\\n")
trial = any("snapshot=on" in a for a in sys.argv)
{behaviour}
"""
# What it does in a trial of KVM, and then as the machine.
ALIVE = "print('Welcome to Debian', flush=True)\nif trial: time.sleep(60)"
ABORTS = "if trial: os.abort()"
SILENT = "if trial: time.sleep(60)"
STAYS = "time.sleep(60)"


class World:
    """A directory with the stub first in PATH, an image, and a TMPDIR that must stay empty."""

    def __init__(self, work, behaviour):
        self.log, self.tmp, self.image = work / "log", work / "tmp", work / "image.qcow2"
        program = work / "bin/qemu-system-x86_64"
        program.parent.mkdir()
        program.write_text(STAND_IN.format(python=sys.executable, log=self.log, behaviour=behaviour))
        program.chmod(0o755)
        self.tmp.mkdir()
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", self.image, "1G"], check=True)
        self.before = self.image.read_bytes()
        self.env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "TMPDIR": str(self.tmp)}

    def start(self, *arguments):
        return subprocess.Popen([NODEKILN, "boot", self.image, *arguments], env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments):
        child = self.start(*arguments)
        child.out, child.err = child.communicate(timeout=100)
        return child

    def calls(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def left_behind(self):
        return [f"{f} is left" for f in self.tmp.iterdir()] + ["the image was written"] * (self.image.read_bytes() != self.before)


def accel(call):
    return call["argv"][call["argv"].index("-accel") + 1]


def accels_of(*arguments):
    def case(world):
        done = world.run(*arguments)
        return [] if done.returncode == 0 else [done.err], [accel(c) for c in world.calls()]
    return case


def files_are_there(world):
    """Named only by descriptors, and all of them open in the machine."""
    done = world.run("--accel", "tcg", "--firmware", "uefi", "--hostname", "n", "--disk-size", "2G")
    return [] if done.returncode == 0 else [done.err], world.calls()[0]["readable"]


def ends(kill):
    def case(world):
        child = world.start("--accel", "tcg")
        while not world.calls():
            time.sleep(0.05)
        pid = world.calls()[0]["pid"]
        child.send_signal(kill)
        child.wait(20)
        for _ in range(100):
            if not Path(f"/proc/{pid}").exists() or "Z" == Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]:
                return [], child.returncode
            time.sleep(0.05)
        return ["the machine lives on"], child.returncode
    return case


# name: the stub's behaviour, the case, what it must give, whether it needs /dev/kvm
CASES = {
    "KVM that boots is used": (ALIVE, accels_of(), ["kvm", "kvm"], True),
    "KVM that aborts is not": (ABORTS, accels_of(), ["kvm", "tcg,thread=multi"], True),
    "KVM that hangs is not": (SILENT, accels_of(), ["kvm", "tcg,thread=multi"], True),
    "--accel kvm probes nothing": (ABORTS, accels_of("--accel", "kvm"), ["kvm"], False),
    "--accel tcg probes nothing": (ABORTS, accels_of("--accel", "tcg"), ["tcg,thread=multi"], False),
    "private files are open and nameless": ("", files_are_there, [True, True, True], False),
    "SIGTERM ends the machine first": (STAYS, ends(signal.SIGTERM), 1, False),
    "SIGKILL ends the machine too": (STAYS, ends(signal.SIGKILL), -signal.SIGKILL, False),
}


def main():
    fine = True
    for name, (behaviour, case, want, needs_kvm) in CASES.items():
        if needs_kvm and not os.access("/dev/kvm", os.R_OK | os.W_OK):
            print(f"skip machine: {name}: there is no /dev/kvm")
            continue
        with tempfile.TemporaryDirectory(prefix="nodekiln-machine-") as work:
            world = World(Path(work), behaviour)
            problems, got = case(world)
            problems += world.left_behind()
            if got != want:
                problems.append(f"got {got}, want {want}")
        print(f"not ok machine: {name}: {'; '.join(problems)}" if problems else f"ok machine: {name}", flush=True)
        fine &= not problems
    return 0 if fine else 1


sys.exit(main())
