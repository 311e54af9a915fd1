# SPDX-License-Identifier: Apache-2.0
"""Changing a VM's options: what a running VM takes at once and what waits for its next start, and what becomes of its old disks."""
import re

from . import drives, rights
from .errors import ApiError

FAST = re.compile(r"lock|name|onboot|shares|startup|description|protection|vmstatestorage|hookscript|tags|template|net\d+")
COLD_BUS = re.compile(r"(ide|sata)\d+")


class Edit:
    def __init__(self, call, guest):
        self.call, self.guest = call, guest
        self.maker = drives.Maker(call, guest.node, guest.vmid, guest.options)

    def at_once(self, name, value):
        """value None: the option goes away."""
        if not self.guest.running:
            return True
        if not rights.DRIVE.fullmatch(name):
            return bool(FAST.fullmatch(name) or name.startswith("unused"))
        old = self.guest.options.get(name)
        if COLD_BUS.fullmatch(name):  # no hotplug, but another disc may be put into a drive
            return bool(value and old and drives.is_cdrom(drives.parse(old)) and drives.is_cdrom(drives.parse(value)))
        return name not in ("efidisk0", "tpmstate0")

    def apply(self, options, delete):
        try:
            made = {name: self.maker.make(name, value) if rights.DRIVE.fullmatch(name) and self.guest.options.get(name) != value else value
                    for name, value in options.items()}
        except ApiError:
            self.maker.undo()
            raise
        now = {name: value for name, value in made.items() if self.at_once(name, value)}
        gone = {name for name in delete if name in self.guest.options and self.at_once(name, None)}
        self.guest.pending.update({name: value for name, value in made.items()
                                   if name not in now and self.guest.options.get(name) != value})
        self.guest.pending_delete |= {name for name in delete if name in self.guest.options} - gone
        self.guest.pending_delete -= set(made)
        for name in delete:
            self.guest.pending.pop(name, None)
        changes = {**now, **self.released(now, gone), **self.boot(now, gone)}
        self.guest.update(changes, gone)
        if self.guest.running:
            self.call.fake.hypervisor.changed(self.call.fake, self.guest)

    def released(self, now, gone):
        """Old disks become unused ones; a cloud-init drive and an unused disk that is deleted are freed."""
        unused = {}
        for name in sorted(gone | set(now)):
            old = self.guest.options.get(name)
            if old is None or not (rights.DRIVE.fullmatch(name) or name.startswith("unused")):
                continue
            fields = drives.parse(old)
            volume = self.call.fake.volumes.find(fields["file"], self.guest.node)
            kept = name in now and drives.parse(now[name])["file"] == fields["file"]
            if kept or not volume or volume.vmid != self.guest.vmid:
                continue
            if rights.is_cloudinit(fields) or name.startswith("unused"):
                self.call.fake.volumes.free_volume(volume)
            else:
                unused[self.free_unused(unused)] = volume.volid
        return unused

    def free_unused(self, taken):
        return next(f"unused{i}" for i in range(256) if f"unused{i}" not in self.guest.options and f"unused{i}" not in taken)

    def boot(self, now, gone):
        """Devices that go leave the boot order, CD drives that come join it."""
        text = now.get("boot", self.guest.options.get("boot", ""))
        found = re.fullmatch("order=(.*)", text)
        if not found or "boot" in gone:
            return {}
        order = [device for device in found[1].split(";") if device and device not in gone]
        order += [name for name, value in now.items() if rights.DRIVE.fullmatch(name) and drives.is_cdrom(drives.parse(value))
                  and not rights.is_cloudinit(drives.parse(value)) and name not in order]
        return {"boot": "order=" + ";".join(order)} if order and ";".join(order) != found[1] else {}
