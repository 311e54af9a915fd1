#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs another builder in mount and PID namespaces of its own, with a tmpfs. However it ends, all that it started,
mounted and wrote there is gone with it.

    subprocess.run(BenchEnv(memory, root=tree).argv("debos", ...))

memory: an empty directory; the tmpfs is there. root: a tree to be the root directory, with memory below the same path. This file is
also the program that enters.
"""
import os
import subprocess
import sys
import uuid
from pathlib import Path


class BenchEnv:
    def __init__(self, memory, root=Path("/")):
        self.memory, self.root = memory, root

    def argv(self, *command):
        return ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", sys.executable, __file__, self.memory,
                self.root, *command]


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def populate(root):
    """What a booted system has and a bare tree lacks."""
    mount("--bind", root, root)  # it must be a mount itself: who makes namespaces in it expects that
    mount("--rbind", "/dev", root / "dev")
    mount("--rbind", "/sys", root / "sys")
    for place in ("tmp", "run"):
        mount("-t", "tmpfs", "tmpfs", root / place)
    (root / "etc/machine-id").write_text(uuid.uuid4().hex + "\n")  # systemd-nspawn wants one
    (root / "etc/resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())


def enter(memory, root):
    inside = root / memory.relative_to("/")
    if root != Path("/"):
        populate(root)
        inside.mkdir(parents=True, exist_ok=True)
    mount("-t", "proc", "proc", root / "proc")
    mount("-t", "tmpfs", "tmpfs", inside)
    os.chroot(root)
    os.chdir(memory)


if __name__ == "__main__":
    enter(Path(sys.argv[1]), Path(sys.argv[2]))
    os.execvp(sys.argv[3], sys.argv[3:])
