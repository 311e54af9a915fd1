# SPDX-License-Identifier: Apache-2.0
"""A cluster (cluster.py) whose nodes are containers of one machine in the role of a Proxmox VE host. Not a test itself: matrix/lxc.py uses it.

As on a real one, the containers are privileged and root@pam has set what docs/containers.md says.
"""
import tempfile
import time
from pathlib import Path

from cluster.cluster import GUESTS, Cluster
from cluster.pve_host import PveHost

MEMORY = "2560M"
# docs/containers.md, "Kubernetes in LXC containers": what root@pam adds to a privileged container's configuration.
RAW = """\
lxc.apparmor.profile = unconfined
lxc.cap.drop =
lxc.mount.auto = proc:rw sys:rw cgroup:rw
lxc.cgroup2.devices.allow = a
"""


class ContainerLab:
    """with ContainerLab(archive, host_image) as lab: nothing is started."""

    def __init__(self, archive, host_image):
        self.image, self.host_image = Path(archive), host_image
        self.directory = tempfile.TemporaryDirectory(prefix="nodekiln-containers-", dir="/var/tmp")
        self.work = Path(self.directory.name)
        self.host, self.machines = PveHost(host_image, self.work), {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.host.stop()
        self.directory.cleanup()

    def __getitem__(self, name):
        return self.machines[name]

    def start(self):
        self.host.start({"base": self.image, **{name: self.work / f"{name}.tar.zst" for name in GUESTS}})
        self.host.wait()


class Containers(Cluster):
    def __init__(self, archive, host_image, runtime, raw=RAW):
        self.host_image, self.raw = host_image, raw
        super().__init__(archive, runtime)

    def make_lab(self, image):
        return ContainerLab(image, self.host_image)

    @staticmethod
    def mac(vmid):
        return f"bc:24:11:00:00:{vmid:02x}"

    def add_guest(self, name, vmid, **options):
        self.pve.add_ct(vmid, hostname=name, net0=f"name=eth0,bridge=vmbr0,hwaddr={self.mac(vmid).upper()},type=veth", **options)

    def seed_options(self, name):
        return ["--lxc", self.lab.image, "--out", self.lab.work / f"{name}.tar.zst"]

    def start(self):
        self.lab.start()
        for number, (name, vmid) in enumerate(GUESTS.items(), 21):
            ct = self.lab.host.create(name, vmid, name, f"10.0.2.{number}", self.mac(vmid), MEMORY, privileged=True, raw=self.raw)
            self.lab.machines[name] = ct
        self.started = time.monotonic()
        for ct in self.lab.machines.values():
            ct.start()
