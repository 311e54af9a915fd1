# SPDX-License-Identifier: Apache-2.0
"""Virtual machines on a network of their own, emulated. Not a test itself.

Their network is a switch (switch.py) and one more QEMU without a machine in it, for its user network: that is the gateway
10.0.2.2 (this host's loopback for the guests) and forwards a port to each machine's ssh. So the network outlives the machines.

    with Lab(image, ("cp", "w")) as lab:
        lab["cp"].start(seed)

The machines are those of `nodekiln boot` (builder/host/qemu.c), with a known MAC, SMBIOS uuid and address. Their disks are overlays
above the image, without a name, so that nothing is left when the test is killed.
"""
import base64
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from harness.cases import Failed
from harness.guest import Guest
from harness.process import die_with_parent

TOP = Path(__file__).resolve().parent.parent.parent
DISK, MEMORY, CPUS = "8G", "3072M", "2"
# Linux trusts the time stamp counters of several processors only if Intel made them; else every look at the clock leaves the
# guest. Of Intel's, this one (an early Atom) needs no isolated page tables: an emulator loses its cache at each switch of them.
CPU = "max,vendor=GenuineIntel,family=6,model=28,stepping=10,monitor=off"
GATEWAY, NAMESERVER, PREFIX = "10.0.2.2", "10.0.2.3", 24
FIRST = 11  # the first machine's address ends so
BEHIND = 10  # the niceness of the others, above the first's
BOOT_SECONDS = 600
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
READ_MAX = 65536


def quiet():
    """What runs for a test yields to other work on this host, and ends with the test."""
    die_with_parent()
    os.nice(5)


def read_iso(path, name):
    return subprocess.run(["isoinfo", "-R", "-i", path, "-x", f"/{name}"], capture_output=True, text=True, check=True).stdout


class Qmp:
    """One command to a machine's monitor."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}))
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise Failed(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]


class GuestAgent:
    """The guest's files, by its qemu-guest-agent: cheaper than ssh, and there while the machine is still booting."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(3)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        """Skips the answers to those who did not wait for them."""
        number = random.getrandbits(31)
        self.send("guest-sync-delimited", id=number)
        while self.answer().get("return") != number:
            pass
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")

    def answer(self):
        return json.loads(self.file.readline().rpartition(b"\xff")[2])

    def __call__(self, command, **arguments):
        self.send(command, **arguments)
        return self.answer()["return"]

    def read(self, path):
        handle = self("guest-file-open", path=path)
        content = self("guest-file-read", handle=handle, count=READ_MAX)
        self("guest-file-close", handle=handle)
        return base64.b64decode(content["buf-b64"])


class Machine(Guest):
    def __init__(self, lab, name, number):
        super().__init__(name, lab.work, "debian", lab.key)
        self.lab, self.address, self.mac = lab, f"10.0.2.{number}", f"52:54:00:00:02:{number:02x}"
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{number}"))
        self.wire, self.monitor = lab.work / f"{name}.wire", lab.work / f"{name}.qmp"
        self.agent = lab.work / f"{name}.qga"
        self.cpus, self.memory, self.disk, self.disc = CPUS, MEMORY, None, None
        self.nice = 0 if number == FIRST else BEHIND

    def behave(self):
        """The control plane comes before its workers: an API server that is starved fails its liveness probe and is restarted."""
        quiet()
        os.nice(self.nice)

    def insert_disk(self, image, size=DISK):
        path = self.lab.work / f"{self.name}.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image, path, size], check=True)
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        path.unlink()
        self.disk = f"/proc/{os.getpid()}/fd/{fd}"

    def start(self, seed=None):
        if not self.disk:
            self.insert_disk(self.lab.image)
        self.disc = seed
        drive = ["-drive", f"if=none,id=seed0,format=raw,readonly=on,file={seed}", "-device", "scsi-cd,id=cd0,bus=scsi1.0,drive=seed0"]
        argv = ["qemu-system-x86_64", "-name", self.name, "-nodefaults", "-no-user-config", "-machine", "q35", "-accel",
                "tcg,thread=multi", "-cpu", CPU, "-smp", self.cpus, "-m", self.memory, "-smbios", f"type=1,uuid={self.uuid}",
                "-device", "virtio-scsi-pci,id=scsi0", "-device", "scsi-hd,bus=scsi0.0,drive=disk0,bootindex=1",
                "-drive", f"if=none,id=disk0,format=qcow2,discard=unmap,cache=unsafe,file={self.disk}",
                "-device", "virtio-scsi-pci,id=scsi1", *(drive if seed else []),
                "-netdev", f"stream,id=net0,server=off,addr.type=unix,addr.path={self.wire}",
                "-device", f"virtio-net-pci,netdev=net0,mac={self.mac}", "-device", "virtio-rng-pci", "-display", "none",
                "-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console",
                "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,path={self.agent},server=on,wait=off",
                "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
                "-qmp", f"unix:{self.monitor},server=on,wait=off"]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=self.behave)

    def eject(self):
        """What is in the CD drive, if there is one."""
        if self.disc:
            Qmp(self.monitor)("eject", id="cd0", force=True)
            self.disc = None

    def reset(self):
        """A power cut: nothing that the guest has not written to its disk survives."""
        Qmp(self.monitor)("system_reset")
        self.hang_up()

    def read(self, path):
        """A file of the guest; None: there is none, or the guest does not answer at the moment."""
        try:
            with GuestAgent(self.agent) as agent:
                return agent.read(path)
        except KeyError:  # an image whose guest agent reads no files (guest_agent.allow)
            return self.read_by_ssh(path)
        except (OSError, ValueError):
            return None

    def read_by_ssh(self, path):
        try:
            return self.ask(f"sudo -n cat {path}", timeout=60).encode()
        except Failed:
            return None

    def hang_up(self):
        """The connection to a machine that is gone would only end by its time limit."""
        subprocess.run(self.argv("-S", self.control, "-O", "exit"), capture_output=True)

    def wait(self, seconds=BOOT_SECONDS):
        super().wait(seconds)

    def boot_id(self):
        """Over a connection of its own; None: the machine does not answer at the moment."""
        try:
            return self.ssh(BOOT_ID, 30, options=["-o", "ControlPath=none"]).stdout.strip() or None
        except subprocess.TimeoutExpired:
            return None

    def reboot(self, seconds=2 * BOOT_SECONDS):
        """By itself, and until it lets us in again."""
        before, limit = self.ask(BOOT_ID), time.monotonic() + seconds
        self.ssh("sudo -n systemctl reboot --no-block")
        self.hang_up()
        while self.boot_id() in (None, before):
            if time.monotonic() > limit:
                raise Failed(f"{self.name} has not come back within {seconds} s")
            time.sleep(2)
        self.wait(seconds)

    def power_off(self, seconds=180):
        self.ssh("sudo -n systemctl poweroff")
        try:
            if self.process.wait(seconds) != 0:
                raise Failed(f"the machine of {self.name} ended with {self.process.returncode}")
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} is still on after {seconds} s") from None


class Lab:
    def __init__(self, image, names):
        self.image, self.directory = Path(image).resolve(), tempfile.TemporaryDirectory(prefix="nodekiln-cluster-")
        self.work = Path(self.directory.name)
        self.key = self.work / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        self.public_key = Path(f"{self.key}.pub").read_text().strip()
        self.machines = {name: Machine(self, name, number) for number, name in enumerate(names, FIRST)}
        self.network = []

    def __enter__(self):
        uplink = self.work / "uplink.wire"
        wires = [uplink, *(m.wire for m in self.machines.values())]
        self.run(sys.executable, Path(__file__).with_name("switch.py"), *wires)
        while not all(w.exists() for w in wires):
            time.sleep(0.05)
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{m.port}-{m.address}:22" for m in self.machines.values())
        self.run("qemu-system-x86_64", "-machine", "none", "-nodefaults", "-display", "none",
                 "-netdev", f"user,id=user{forwards}", "-netdev", "hubport,id=inside,hubid=0,netdev=user",
                 "-netdev", f"stream,id=wire,server=off,addr.type=unix,addr.path={uplink}",
                 "-netdev", "hubport,id=outside,hubid=0,netdev=wire")
        return self

    def run(self, *argv):
        """A part of the network."""
        with open(self.work / "network.log", "ab") as log:
            self.network.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=quiet))

    def __exit__(self, *_):
        for m in self.machines.values():
            m.stop()
        for process in self.network:
            process.kill()
            process.wait()
        self.directory.cleanup()

    def reboot(self):
        """One after the other, the control plane last: what it starts again leaves its workers little."""
        for machine in reversed(self.machines.values()):
            machine.reboot()

    def __getitem__(self, name):
        return self.machines[name]
