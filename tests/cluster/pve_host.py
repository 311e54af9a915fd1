# SPDX-License-Identifier: Apache-2.0
"""A virtual machine in the role of a Proxmox VE host (tests/recipes/pve-host.yaml), and containers in it. Not a test itself:
containers.py and matrix/lxc*.py use it.

    with PveHost(image, work) as host:
        host.start({"node": archive})
        ct = host.create("node", 101, privileged=True)
        ct.start()
        ct.ask("hostname")

A container is made of its template and started as Proxmox VE does it (tests/container.py); its card is on the host's bridge, which
leads to QEMU's user network: 10.0.2.2 is this host's loopback.
"""
import base64
import os
import shlex
import subprocess
import time
from pathlib import Path

from harness import container
from harness.cases import Failed
from harness.guest import Guest
from harness.process import die_with_parent
from cluster.lab import CPU, GATEWAY, NAMESERVER

TOP = Path(__file__).resolve().parent.parent.parent
ADDRESS = "10.0.2.15"
DISK, MEMORY, CPUS = "24G", "6144M", "2"
BOOT_SECONDS, START_SECONDS = 300, 240
DIRECTORY = "/var/lib/lxc"
# A container has root's shell and no sudo, which the checks of virtual machines ask for.
PRELUDE = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; sudo() { shift; \"$@\"; }; "


class PveHost(Guest):
    def __init__(self, image, work):
        self.image, self.work, self.key = Path(image).resolve(), Path(work), Path(work) / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        super().__init__("pve", self.work, "root", self.key)
        self.archives, self.disk = {}, self.work / "pve.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", self.image, self.disk, DISK], check=True)

    def start(self, archives):
        """archives: templates by the disk's name that the host gets them under; it reads them once, as `pct` does a file."""
        key = base64.b64encode(Path(f"{self.key}.pub").read_bytes()).decode()
        argv = ["qemu-system-x86_64", "-name", self.name, "-nodefaults", "-no-user-config", "-machine", "q35", "-accel",
                "tcg,thread=multi", "-cpu", CPU, "-smp", CPUS, "-m", MEMORY,
                "-smbios", f"type=11,value=io.systemd.credential.binary:ssh.authorized_keys.root={key}",
                "-device", "virtio-scsi-pci,id=scsi0", "-device", "scsi-hd,bus=scsi0.0,drive=disk0,bootindex=1",
                "-drive", f"if=none,id=disk0,format=qcow2,discard=unmap,cache=unsafe,file={self.disk}",
                "-netdev", f"user,id=net0,hostfwd=tcp:127.0.0.1:{self.port}-{ADDRESS}:22", "-device", "virtio-net-pci,netdev=net0",
                "-device", "virtio-rng-pci", "-display", "none",
                "-chardev", f"file,id=console,path={self.console}", "-serial", "chardev:console"]
        for name, archive in archives.items():
            self.archives[name] = Path(archive)
            argv += ["-drive", f"if=none,id={name},format=raw,readonly=on,file={archive}",
                     "-device", f"virtio-blk-pci,drive={name},serial={name}"]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=self.quiet)

    @staticmethod
    def quiet():
        die_with_parent()
        os.nice(5)

    def wait(self, seconds=BOOT_SECONDS):
        super().wait(seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def create(self, archive, vmid, name, address, mac, memory="2500M", privileged=False, raw=""):
        """raw: what root@pam writes into /etc/pve/lxc/VMID.conf in addition."""
        ct = Container(self, vmid, name, address, mac, memory, privileged)
        self.ask(f"mkdir -p {ct.root}")
        ct.configure(container.NESTING, raw)
        ct.unpack(archive)
        ct.set_up()
        return ct


class Container:
    """address, ask() and process as a virtual machine has them."""

    def __init__(self, host, vmid, name, address, mac, memory, privileged):
        self.host, self.vmid, self.name, self.address, self.mac = host, vmid, name, address, mac
        self.memory, self.privileged = memory, privileged
        self.directory, self.root = f"{DIRECTORY}/{vmid}", f"{DIRECTORY}/{vmid}/rootfs"
        self.process = host.process

    def as_root(self, argv):
        """Of the container."""
        return shlex.join(argv if self.privileged else container.UNSHIFTED + argv)

    def configure(self, nesting, raw):
        config = container.CONFIG.format(vmid=self.vmid, name=self.name, memory=self.memory, directory=self.directory, mac=self.mac)
        config += "" if self.privileged else container.UNPRIVILEGED.format(directory=self.directory)
        self.host.ask(f"echo {shlex.quote(config + nesting + raw)} >{self.directory}/config; "
                      f"echo {shlex.quote(container.SECCOMP)} >{self.directory}/rules.seccomp")

    def unpack(self, archive):
        size = self.host.archives[archive].stat().st_size
        argv = container.tar_argv(self.host.archives[archive]) + ["-C", self.root]
        disk = f"/dev/disk/by-id/virtio-{archive}"
        if not self.privileged:
            self.host.ask(f"chown 100000:100000 {self.root}")
        self.host.ask(f"head -c {size} {disk} | {self.as_root(argv)}", 600)

    def set_up(self):
        """What `pct create` and `pct start` change in a Debian container."""
        hosts = self.host.ask(f"cat {self.root}/etc/hosts") + "\n"
        archive = container.overlay(container.files(self.name, self.address, NAMESERVER, GATEWAY, hosts))
        self.host.ask(f"rm -f {self.root}/etc/machine-id {self.root}/etc/resolv.conf; echo {base64.b64encode(archive).decode()} | "
                      f"base64 -d | {self.as_root([*container.OVERLAY_TAR, '-C', self.root])}")

    def start(self):
        self.host.ask(f"lxc-start -n {self.vmid} -l INFO -o {self.directory}/log || tail -30 {self.directory}/log >&2; "
                      f"lxc-wait -n {self.vmid} -s RUNNING -t 30")
        limit = time.monotonic() + START_SECONDS
        while self.ssh("test -S /run/systemd/private").returncode != 0:
            if time.monotonic() > limit:
                raise Failed(f"{self.name}: systemd does not answer within {START_SECONDS} s")
            time.sleep(1)

    def stop(self):
        self.host.ask(f"lxc-stop -n {self.vmid} -t 60", 90)

    def tail(self):
        return self.host.tail()

    def attach(self, command):
        argv = ["lxc-attach", "-n", str(self.vmid), "--clear-env", "--", "/bin/sh", "-c", PRELUDE + command]
        return shlex.join(argv) + " | cat"

    def ssh(self, command, timeout=240):
        return self.host.ssh("set -o pipefail; " + self.attach(command), timeout)

    def ask(self, command, timeout=240):
        return self.host.ask("set -o pipefail; " + self.attach(command), timeout)
