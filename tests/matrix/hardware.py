#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hardware.py [PATTERN...]: the machines that Proxmox VE offers, as boots of two minutes at most: each disk controller, network card and place
of a seed works, or the guest says on its console and in `nodekiln-agent status` what is wrong. docs/proxmox.md has the same table.

The images are those of tests/recipes/hardware*.yaml; all but a few rows use the kernel that the recipes choose. A row that fails leaves its
console's end in the output. PATTERN: only rows whose name contains it. NODEKILN_ROW_SECONDS: more time for each, on a busy host.
"""
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from built import HARDWARE, HARDWARE_12, HARDWARE_CLOUD, built
from harness.cases import Failed, say
from harness.emulated import PROCESSOR, Machine, volume

ROW_SECONDS = int(os.environ.get("NODEKILN_ROW_SECONDS", "120"))
ASK_SECONDS = 5
PC, Q35 = ["-machine", "pc"], ["-machine", "q35"]
# Proxmox VE's default type without KVM, which has AES without PCLMULQDQ.
PVE_PROCESSOR = "qemu64,+aes,+popcnt,+pni,+sse4.1,+sse4.2,+ssse3"
MOUNTED = r"Welcome to "
USER_DATA = "#cloud-config\nssh_genkeytypes: []\n"

# Where the root's disk is, as `qm set --scsihw`, --sata0, --ide0 and so on make it.
SCSI = ["-device", "virtio-scsi-pci,id=c0", "-device", "scsi-hd,bus=c0.0,drive=root,bootindex=1"]


def scsi_on(controller):
    return ["-device", f"{controller},id=c0", "-device", "scsi-hd,bus=c0.0,drive=root,bootindex=1"]


ROOTS = {
    "virtio-scsi": (Q35, SCSI),
    "virtio-scsi on i440fx": (PC, SCSI),
    "lsi": (PC, scsi_on("lsi53c895a")),
    "megasas": (PC, scsi_on("megasas")),
    "pvscsi": (PC, scsi_on("pvscsi")),
    "virtio-blk": (Q35, ["-device", "virtio-blk-pci,drive=root,bootindex=1"]),
    "ide": (PC, ["-device", "ide-hd,drive=root,bus=ide.0,bootindex=1"]),
    "sata on q35": (Q35, ["-device", "ide-hd,drive=root,bus=ide.0,bootindex=1"]),
    "sata on i440fx": (PC, ["-device", "ahci,id=c0", "-device", "ide-hd,drive=root,bus=c0.0,bootindex=1"]),
    "nvme": (Q35, ["-device", "nvme,serial=n,drive=root,bootindex=1"]),
    "usb": (Q35, ["-device", "qemu-xhci", "-device", "usb-storage,drive=root,bootindex=1"]),
}
# QEMU's names of cards, with their drivers. ne2k_isa is not among them: no kernel finds a card of ISA by itself.
CARDS = {"virtio-net-pci": "virtio_net", "vmxnet3": "vmxnet3", "e1000": "e1000", "e1000-82544gc": "e1000", "e1000-82545em": "e1000", "e1000e": "e1000e",
         "rtl8139": "8139cp", "i82557b": "e100", "i82559er": "e100", "ne2k_pci": "ne2k-pci", "pcnet": "pcnet32"}
CARDS_AT_ONCE = 3


def nics(*models):
    parts = []
    for n, model in enumerate(models):
        parts += ["-netdev", f"user,id=net{n},net=10.0.{n + 10}.0/24", "-device", f"{model},netdev=net{n}"]
    return parts


def drive(file, *device):
    return ["-drive", f"if=none,id=seed,format=raw,readonly=on,file={file}", "-device", *device]


# Where the seed's ISO is; the disk is on virtio-scsi.
SEEDS = {
    "scsi": lambda f: ["-device", "virtio-scsi-pci,id=c1", *drive(f, "scsi-cd,bus=c1.0,drive=seed")],
    "ide": lambda f: drive(f, "ide-cd,bus=ide.1,drive=seed"),  # on q35 that is SATA
    "sata": lambda f: ["-device", "ahci,id=c1", *drive(f, "ide-cd,bus=c1.0,drive=seed")],
    "usb": lambda f: ["-device", "qemu-xhci", *drive(f, "usb-storage,drive=seed")],
    "disk": lambda f: drive(f, "virtio-blk-pci,drive=seed"),
}


@dataclass
class Row:
    """A machine, and what must be said: patterns of its console, and of the facts that the image's test unit prints."""
    name: str
    parts: list
    console: list = field(default_factory=list)
    facts: list = field(default_factory=list)
    absent: list = field(default_factory=list)  # must not be in the facts
    recipe: str = HARDWARE
    options: dict = field(default_factory=dict)
    volumes: dict = field(default_factory=dict)  # of the seeds: {name: (label, files)}; parts name them {name}
    more: object = None  # called with the machine and the time when the row ends


def seed(name="seeded", network=None):
    files = {"meta-data": f"instance-id: {name}\nlocal-hostname: {name}\n", "user-data": USER_DATA}
    return "cidata", files | ({"network-config": network} if network else {})


CONFIG_DRIVE = ("config-2", {
    "openstack/latest/meta_data.json": '{"uuid": "u-1", "hostname": "drive", "network_config": {"content_path": "/content/0000"}}',
    "openstack/latest/user_data": USER_DATA,
    "openstack/content/0000": "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet static\n        address 10.0.10.77\n"
                              "        netmask 255.255.255.0\n        gateway 10.0.10.2\n\nauto eth1\niface eth1 inet dhcp\n"})
STATIC = 'version: 1\nconfig:\n- type: physical\n  name: "{}"\n  subnets:\n  - type: static\n    address: "10.0.10.77/24"\n    gateway: "10.0.10.2"\n'
NO_SEED = r"no cloud-init volume was found"


def in_both(text):
    """On the console, as a line of the kernel, and in the status."""
    return {"console": [rf"nodekiln: {text}"], "facts": [rf"status .*{text}", rf"issue .*{text}"]}


def roots():
    for name, (machine, parts) in ROOTS.items():
        yield Row(f"root on {name}", [*machine, *parts], console=[MOUNTED])
    yield Row("root on sata, OVMF", [*Q35, *ROOTS["sata on q35"][1]], console=[MOUNTED], options={"uefi": True})
    yield Row("root on lsi, cloud kernel", [*PC, *ROOTS["lsi"][1]], recipe=HARDWARE_CLOUD,
              console=[r"nodekiln: the disk .* is not there, and this kernel has no driver for the disk controller 1000:0012"])


def networks():
    for first in range(0, len(CARDS), CARDS_AT_ONCE):
        models = list(CARDS)[first:first + CARDS_AT_ONCE]
        facts = [rf"card {CARDS[model]} 10\.0\.{n + 10}\.15/24" for n, model in enumerate(models)]
        yield Row(f"network cards {', '.join(models)}", [*Q35, *SCSI, *nics(*models)], facts=facts, absent=["no driver"])
    yield Row("a network card whose firmware is not free", [*Q35, *SCSI, *nics("i82551")], console=[r'e100 .*Failed to load firmware "e100/d102e_ucode\.bin"'])
    yield Row("no network card", [*Q35, *SCSI], **in_both("this machine has no network card"))
    yield Row("network cards of the cloud kernel", [*PC, *SCSI, *nics("e1000", "rtl8139")], recipe=HARDWARE_CLOUD,
              **in_both("this kernel has no driver for the network card 10ec:8139, 8086:100e"))
    two = nics("virtio-net-pci", "virtio-net-pci")
    yield Row("a static address and two cards", [*Q35, *SCSI, *two, *SEEDS["scsi"]("{a}")], volumes={"a": seed(network=STATIC.format("e*"))},
              facts=[r"card virtio_net 10\.0\.10\.77/24 \ncard virtio_net +\n", "routes 1\n"])
    yield Row("ConfigDrive names eth0 and eth1", [*Q35, *SCSI, *two, *SEEDS["scsi"]("{a}")], volumes={"a": CONFIG_DRIVE},
              facts=["name drive\n", r"card virtio_net 10\.0\.10\.77/24 \ncard virtio_net 10\.0\.11\.15/24"])
    yield Row("a card that is not there", [*Q35, *SCSI, *nics("virtio-net-pci"), *SEEDS["scsi"]("{a}")], volumes={"a": seed(network=STATIC.format("ens77"))},
              **in_both("the seed configures the network card ens77, which this machine does not have"))


def seeds():
    for machine, firmware, place in ((Q35, "bios", "ide"), (Q35, "uefi", "ide"), (PC, "bios", "ide"), (PC, "uefi", "ide"), (PC, "uefi", "sata"), (Q35, "bios", "usb"),
                                     (Q35, "uefi", "disk")):
        yield Row(f"seed on {place}, {machine[1]}, {firmware}", [*machine, *SCSI, *nics("virtio-net-pci"), *SEEDS[place]("{a}")], volumes={"a": seed()},
                  facts=["name seeded\n"], absent=[NO_SEED, r"issue ."], options={"uefi": firmware == "uefi"})
    yield Row("no seed", [*Q35, *SCSI, *nics("virtio-net-pci")], **in_both(NO_SEED))
    yield Row("seed on usb, cloud kernel", [*Q35, *SCSI, *nics("virtio-net-pci"), *SEEDS["usb"]("{a}")], volumes={"a": seed()}, recipe=HARDWARE_CLOUD,
              **in_both(NO_SEED + r" \(this kernel has no driver for 1b36:000d, where one may be\)"))
    yield Row("two volumes called cidata", [*Q35, *SCSI, *nics("virtio-net-pci"), *SEEDS["scsi"]("{a}"), "-drive", "if=none,id=other,format=raw,readonly=on,file={b}",
                                            "-device", "ide-cd,bus=ide.1,drive=other"], volumes={"a": seed("one"), "b": seed("two")},
              **in_both(r"2 volumes are labelled cidata: sr1, sr0; this guest uses the first"))
    yield Row("a seed without meta-data", [*Q35, *SCSI, *nics("virtio-net-pci"), *SEEDS["scsi"]("{a}")], volumes={"a": ("cidata", {"user-data": USER_DATA})},
              **in_both("cloud-init cannot use the volume sr0"))


def plug(machine, until):
    """A processor and 512 MiB more."""
    machine.write("monitor", "object_add memory-backend-ram,id=m1,size=512M\ndevice_add pc-dimm,id=d1,memdev=m1\n"
                            f"device_add {PROCESSOR.split(',')[0]}-x86_64-cpu,id=p1,socket-id=1,core-id=0,thread-id=0\n")
    time.sleep(5)
    machine.write("facts", "again\n")
    machine.wait(r"(?s)\nend.*processors 2\nmemory 1[3-9]\d\d\n", until, line=1)


def processors():
    yield Row("processors and memory are added", [*Q35, *SCSI, *nics("virtio-net-pci")], facts=["processors 1\n"], more=plug,
              options={"processors": "1,maxcpus=2,sockets=2", "processor": "max", "memory": "1G,slots=2,maxmem=4G"})
    for recipe in (HARDWARE_12, HARDWARE):
        yield Row(f"AES without PCLMULQDQ, {recipe}", [*Q35, *SCSI, *nics("virtio-net-pci")], recipe=recipe, facts=["processors 2\n"],
                  options={"processor": PVE_PROCESSOR})


@cache
def image(recipe):
    return built(recipe)


def wait_for_fact(machine, pattern, until):
    """Asks the guest again: a card may get its address after the first one, when the guest is online."""
    while True:
        try:
            return machine.wait(pattern, min(until, time.monotonic() + ASK_SECONDS), line=1)
        except Failed:
            if time.monotonic() >= until:
                raise
        machine.write("facts", "again\n")


def watch(row, work, until):
    files = {name: volume(work / f"{name}.iso", files, label) for name, (label, files) in row.volumes.items()}
    parts = [part.format(**files) if "{" in part else part for part in row.parts]
    machine = Machine(work, image(row.recipe), parts, **row.options)
    try:
        for pattern in row.console:
            machine.wait(pattern, until)
        if row.facts or row.absent:
            facts = machine.wait(r"(?s)^.*\nend\n", until, line=1)[0]
        for pattern in row.facts:
            wait_for_fact(machine, pattern, until)
        for pattern in row.absent:
            if machine.wait(rf"{pattern}|$", time.monotonic() + 1, line=1)[0]:
                raise Failed(f"the facts have {pattern}: {facts!r}")
        if row.more:
            row.more(machine, until)
    except Failed as why:
        raise Failed(f"{why}; facts: {machine.said(1)[-900:]!r}") from None
    finally:
        machine.stop()


def try_row(row):
    image(row.recipe)  # takes none of the row's time
    with tempfile.TemporaryDirectory(prefix="nodekiln-hardware-") as work:
        started = time.monotonic()
        try:
            watch(row, Path(work), started + ROW_SECONDS)
        except Failed as why:
            say([f"not ok hardware: {row.name}: {why}"])
            return False
        say([f"ok hardware: {row.name} ({time.monotonic() - started:.0f} s)"])
        return True


def main():
    patterns = sys.argv[1:] or [""]
    rows = [row for part in (roots, networks, seeds, processors) for row in part() if any(p in row.name for p in patterns)]
    if not rows:
        say([f"not ok hardware: no row has {' or '.join(patterns)} in its name"])
    sys.exit(not rows or not all([try_row(row) for row in rows]))


main()
