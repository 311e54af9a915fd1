# SPDX-License-Identifier: Apache-2.0
"""What the cases of tests/e2e/fake_pve.py share: a small cluster with its people, and ways to compare."""
import functools
import shutil
import tempfile
import threading
from pathlib import Path

from .certificates import Certificates
from .raw import Client
from .server import NAMES, FakePve

SMBIOS = "uuid=4c4c4544-0043-3010-8052-b4c04f564231"
certificates_lock = threading.Lock()


@functools.cache
def certificates(version):
    directory = Path(tempfile.mkdtemp(prefix="fake-pve-selftest-"))
    Certificates(directory, version, [*NAMES, "pve1"])
    return directory


def remove_certificates():
    for version in (8, 9):
        shutil.rmtree(certificates(version), ignore_errors=True)


class World(FakePve):
    """Two nodes; VMs 101 and 102 and container 200 in pool k8s, VM 900 outside. Tokens: admin (everything), agent (what deploy gives
    to guest 101), reader (VM.Audit on the pool), powerless (no right at all).
    """

    def __init__(self, version, **more):
        with certificates_lock:
            directory = certificates(version)
        super().__init__(version, certificates=directory, nodes=("pve2",), auth_delay=0.2, **more)
        self.add_storage("local", "iso,vztmpl,backup")
        self.add_storage("store", "iso,vztmpl,import,images,rootdir,snippets")
        self.add_storage("local-lvm", "images,rootdir", kind="lvmthin")
        self.add_pool("k8s")
        self.add_role("GuestAgent", "VM.Audit VM.Config.Options")
        self.add_role("Reader", "VM.Audit")
        self.add_user("admin@pve", password="secret")
        self.add_user("agent@pve", groups=["k8s-agents"])
        self.grant("/", "Administrator", "admin@pve")
        self.grant("/pool/k8s", "GuestAgent", "agent@pve")
        self.admin = Client(self, self.add_token("admin@pve", "all", privsep=0))
        self.agent = Client(self, self.add_token("agent@pve", "vm101"))
        self.grant("/vms/101", "GuestAgent", "agent@pve!vm101", propagate=0)
        self.reader = Client(self, self.add_token("agent@pve", "reader"))
        self.grant("/pool/k8s", "Reader", "agent@pve!reader")
        self.powerless = Client(self, self.add_token("agent@pve", "powerless"))
        self.add_vm(101, pool="k8s", name="node-1", memory=2048, cores=2, smbios1=SMBIOS, net0="virtio=BC:24:11:00:00:01,bridge=vmbr0",
                    scsi0="local-lvm:vm-101-disk-0,size=8G", serial0="socket")
        self.add_vm(102, pool="k8s", status="stopped")
        self.add_ct(200, pool="k8s", hostname="ct-1", unprivileged=1, memory=512, rootfs="local-lvm:vm-200-disk-0,size=4G",
                    features="nesting=1", net0="name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:02,ip=dhcp")
        self.add_vm(900)


CONFIG = "/nodes/pve1/qemu/101/config"
LXC_CONFIG = "/nodes/pve1/lxc/200/config"


def same(found, wanted, what="got"):
    assert found == wanted, f"{what} {found!r}, wanted {wanted!r}"


def refused(reply, status, text, errors=None):
    """An error answer with this reason phrase, or with these parameters at fault; it closes the connection."""
    assert reply.status == status and (text is None or reply.reason == text), f"{reply.status} {reply.reason} {reply.body[:300]!r}"
    same(reply.all("Connection"), ["close"], "Connection")
    if errors is not None:
        same({name: why.rstrip("\n") for name, why in reply.json["errors"].items()}, errors, "errors")


def invalid(reply, **errors):
    refused(reply, 400, "Parameter verification failed.", {name.replace("_", "-"): why for name, why in errors.items()})


def done(reply):
    assert reply.status == 200, f"{reply.status} {reply.reason} {reply.body[:300]!r}"
    return reply.data


class Cases:
    """case = Cases(); @case or @case(9): the functions of a module, by name, for these versions."""

    def __init__(self):
        self.all = []

    def __call__(self, first, *more):
        if callable(first):
            self.all.append(((8, 9), first.__name__.replace("_", "-"), first))
            return first
        versions = (first, *more)
        return lambda function: self.all.append((versions, function.__name__.replace("_", "-"), function)) or function

    def add(self, name, function):
        self.all.append(((8, 9), name.replace(" ", "-"), function))

    def of(self, version):
        return [(name, function) for versions, name, function in self.all if version in versions]
