# SPDX-License-Identifier: Apache-2.0
"""native_keeper.py WORK NAME: the space of a native lab (native.py), and what removes it. Run as a program in a session of its own.

The space is a process with namespaces for processes, mounts and the network; everything that the lab runs is in it and ends with it.
The keeper makes it, writes a line with its process id, and waits until its standard input ends: when the test is done, and also
when the test is killed. Then it ends the space, removes the lab's control groups and WORK, and compares the host with what
it was: one line for each difference, and exit status 1.
"""
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
PREFIX = "nodekiln-lab-"
ABANDONED_SECONDS = 3600  # so old is a group without processes whose keeper was killed too
GATEWAY, BITS = "10.9.0.1", 24
FILES = ("/etc/subuid", "/etc/subgid", "/etc/resolv.conf", "/etc/hosts")
# Below /proc/sys: counters, what the kernel changes by itself, and what is of the reader's network namespace alone.
VOLATILE = re.compile(r"fs/(aio-nr|dentry-state|file-nr|inode-nr|inode-state|quota/.*)|kernel/(ns_last_pid|pty/nr|random/.*|perf_.*)|"
                      r"net/netfilter/nf_conntrack_count|.*/(flush|stat_refresh)")
# In the space, as its process 1, which waits for those whose parents have gone. newuidmap reads the subordinate ids of /etc, and /proc.
SPACE = """
set -e
mount -t proc proc /proc
mount --bind "$1/subid" /etc/subuid
mount --bind "$1/subid" /etc/subgid
ip link set lo up
ip link add br0 type bridge
ip addr add "$2" dev br0
ip link set br0 up
echo up
trap '' HUP INT TERM
while :; do sleep 3600 & wait; done
"""


def read(path):
    try:
        return Path(path).read_bytes()
    except OSError:  # some can only be written
        return None


def host_state(work):
    """What a lab may not change."""
    values = {str(p): read(p) for p in Path("/proc/sys").rglob("*") if p.is_file() and not VOLATILE.fullmatch(str(p)[10:])}
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(work) in line]
    return {**values, **{file: read(file) for file in FILES}, "mounts": mounts}


def differences(before, after):
    """Of what was there before: a module that the kernel loads brings settings of its own."""
    return [f"{key}: it was {before[key]!r} and is {after.get(key)!r}" for key in before if after.get(key) != before[key]]


def hierarchies():
    """Each mounted one; a single one with cgroup v2."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [p for p in CGROUPS.iterdir() if p.is_dir() and not p.is_symlink()]


def remove_group(top):
    """Deepest first. A group with processes stays."""
    for directory, _, _ in os.walk(top, topdown=False):
        try:
            os.rmdir(directory)
        except OSError:
            pass


def remove_abandoned():
    for group in (g for h in hierarchies() for g in h.glob(PREFIX + "*")):
        if time.time() - group.stat().st_mtime > ABANDONED_SECONDS:
            remove_group(group)


def remove_groups(name):
    limit = time.monotonic() + 10
    groups = [h / name for h in hierarchies()]
    while any(g.exists() for g in groups) and time.monotonic() < limit:
        for group in groups:
            remove_group(group)
        time.sleep(0.1)
    return [f"the control group {g} is left" for g in groups if g.exists()]


def make_space(work):
    (work / "subid").write_text("root:100000:65536\n")
    space = subprocess.Popen(["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private", "bash", "-c",
                             SPACE, "space", work, f"{GATEWAY}/{BITS}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if space.stdout.readline() != "up\n":
        raise SystemExit(f"no space: exit status {space.wait()}")
    return space, int(Path(f"/proc/{space.pid}/task/{space.pid}/children").read_text())


def thaw(name):
    """With cgroup v1 a process in a frozen group does not end, and runc freezes a group while it changes it."""
    for state in (CGROUPS / "freezer" / name).rglob("freezer.state"):
        try:
            state.write_text("THAWED")
        except OSError:  # it has gone
            pass


def end_space(space, first, name):
    """Its first process takes all others with it, and has ended when they have."""
    end = os.pidfd_open(first)
    space.kill()
    space.wait()
    while not select.select([end], [], [], 0.5)[0]:
        thaw(name)


def main():
    work, name = Path(sys.argv[1]), sys.argv[2]
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    remove_abandoned()
    before = host_state(work)
    space, first = make_space(work)
    print(first, flush=True)
    sys.stdin.buffer.read()
    end_space(space, first, name)
    wrong = remove_groups(name)
    shutil.rmtree(work, ignore_errors=True)
    wrong += differences(before, host_state(work))
    try:
        print("\n".join(wrong), flush=True)
    except BrokenPipeError:
        pass
    os._exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
