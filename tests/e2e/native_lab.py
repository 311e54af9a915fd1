#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""native_lab.py: the lab of native containers (harness/native.py), with a root that has busybox alone. Containers start without
privileges and reach each other; a killed test leaves neither process, control group, interface nor file; a change of the host is found."""
import io
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from harness import busybox_image as busybox
from harness.cases import Failed, check, report, same
from harness.native import NativeLab, unavailable
from harness.native_keeper import PREFIX, differences, hierarchies

NAMES = ("a", "b")
APPLETS = ("mount", "mkdir", "sh", "sleep", "cat", "ip", "ping", "nslookup", "id", "ln", "test")
INIT = b"""#!/bin/sh
ip addr add $(cat /etc/address)/24 dev eth0
ip link set eth0 up
while :; do sleep 1; done
"""


def template(directory):
    """Of everything that a lab expects of a root, as little as possible."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name in ("bin", "sbin", "etc", "proc", "sys", "dev", "run", "tmp", "usr", "usr/local", "usr/local/sbin"):
            busybox.add(tar, f"./{name}", mode=0o755, kind=tarfile.DIRTYPE)
        busybox.add(tar, "./bin/busybox", busybox.busybox(), 0o755)
        for applet in APPLETS:
            busybox.add(tar, f"./bin/{applet}", target="busybox")
        busybox.add(tar, "./bin/bash", target="busybox-sh")
        busybox.add(tar, "./bin/busybox-sh", b"#!/bin/busybox sh\nshift\nexec /bin/busybox sh -c \"$@\"\n", 0o755)
        busybox.add(tar, "./sbin/init", INIT, 0o755)
        busybox.add(tar, "./etc/hosts", b"127.0.0.1 localhost\n")
    archive = Path(directory) / "small.tar.zst"
    subprocess.run(["zstd", "-q", "-o", archive], input=plain.getvalue(), check=True)
    return archive


def start(lab):
    lab.unpack({name: {"etc/address": (0o644, lab[name].address)} for name in NAMES})
    lab.together(lambda node: node.start())
    for name in NAMES:
        answers(lab[name])


def answers(node):
    limit = time.monotonic() + 20
    while node.ssh("ip -o addr show dev eth0 | grep -q inet\\ ").returncode != 0:
        check(time.monotonic() < limit, f"{node.name} does not answer: {node.tail()[-5:]}")
        time.sleep(0.1)


def left_of(work, group):
    found = [str(h / group) for h in hierarchies() if (h / group).exists()] + ([str(work)] if work.exists() else [])
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [path.parent.name] if str(work).encode() in path.read_bytes() else []
        except OSError:
            pass
    return found


def containers_have_no_privileges(archive):
    with NativeLab(archive, NAMES) as lab:
        start(lab)
        same(lab["a"].ask("cat /proc/self/uid_map").split(), ["0", "100000", "65536"])
        same(lab["a"].ask("id -u"), "0")
        check(lab["a"].ssh("echo 1 >/proc/sys/vm/overcommit_memory").returncode != 0, "a container may change the host's settings")


def containers_reach_each_other_and_nothing_else(archive):
    with NativeLab(archive, NAMES) as lab:
        start(lab)
        lab["a"].ask(f"ping -c 1 -w 5 {lab['b'].address}")
        check(lab["a"].ssh("ping -c 1 -w 1 192.0.2.1").returncode != 0, "there is a way out")
        check(lab["b"].ssh("nslookup registry.example.").returncode != 0, "a name has an address")
        check("registry.example" in lab.resolver.asked, f"asked were {lab.resolver.asked}")


def freeze(group):
    """One container, as runc freezes a pod while it changes its group."""
    first = hierarchies()[0]
    on_v1 = first.name != "cgroup"
    top = (next(h for h in hierarchies() if h.name == "freezer") if on_v1 else first) / group / NAMES[0]
    file, frozen = (top / "freezer.state", "FROZEN") if on_v1 else (top / "cgroup.freeze", "1")
    file.write_text(frozen)
    limit = time.monotonic() + 10
    while file.read_text().strip() != frozen:
        check(time.monotonic() < limit, f"{file} has {file.read_text()}")
        time.sleep(0.1)


def a_killed_test_leaves_nothing(archive, before=lambda group: None):
    """The lab is another program's, which is killed with its session as tests/run kills one."""
    child = subprocess.Popen([sys.executable, __file__, "--lab", archive], stdout=subprocess.PIPE, text=True, start_new_session=True)
    work, group = next(line for line in child.stdout if not line.startswith("#")).split()
    check(left_of(Path(work), group), "nothing runs: this search would prove nothing")
    before(group)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    limit = time.monotonic() + 20
    while left_of(Path(work), group) and time.monotonic() < limit:
        time.sleep(0.2)
    same(left_of(Path(work), group), [])


def a_frozen_container_ends_too(archive):
    a_killed_test_leaves_nothing(archive, freeze)


def a_changed_host_is_found(_):
    same(differences({"/proc/sys/kernel/panic": b"0\n"}, {"/proc/sys/kernel/panic": b"10\n"}),
         ["/proc/sys/kernel/panic: it was b'0\\n' and is b'10\\n'"])
    same(differences({"/etc/subuid": b""}, {"/etc/subuid": b"", "/proc/sys/net/new": b"1"}), [])


CASES = (containers_have_no_privileges, containers_reach_each_other_and_nothing_else, a_killed_test_leaves_nothing,
         a_frozen_container_ends_too, a_changed_host_is_found)


def hold(archive):
    """A lab that lasts until its program is killed."""
    with NativeLab(archive, NAMES) as lab:
        start(lab)
        print(lab.work, lab.group, flush=True)
        time.sleep(600)


def main():
    if sys.argv[1:2] == ["--lab"]:
        return hold(sys.argv[2])
    why = unavailable()
    if why:
        print(f"skip native_lab: {why}")
        return 0
    fine = True
    with tempfile.TemporaryDirectory(prefix=PREFIX) as directory:
        archive = template(directory)
        for case in CASES:
            try:
                case(archive)
                fine &= report(f"native_lab: {case.__name__}", [])
            except (Failed, subprocess.SubprocessError) as why:
                fine &= report(f"native_lab: {case.__name__}", [str(why)])
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
