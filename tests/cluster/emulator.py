# SPDX-License-Identifier: Apache-2.0
"""What runs the guests of a fake Proxmox VE for real: each is the machine of a lab that has its name, with the disk, the disc, the memory,
the processors, the MAC and the uuid that its configuration says. Not a test itself: deployed.py uses it.
"""
import re
import threading
from concurrent.futures import ThreadPoolExecutor

from cluster.lab import read_iso
from pve.drives import drives_of, is_cdrom
from pve.hypervisor import Hypervisor


class Emulator(Hypervisor):
    """first: by name, each guest as it was when it was started first."""

    def __init__(self, lab):
        self.lab, self.first, self.disks = lab, {}, {}
        self.starter = ThreadPoolExecutor(1)  # a machine ends with the thread that has started it: not a task's

    def start(self, pve, guest):
        machine, disc = self.lab[guest.name], disc_of(pve, guest)
        if guest.name not in self.first:
            self.first[guest.name] = First(guest.vmid, dict(guest.options), disc)
        fit(machine, guest.options)
        machine.disk = self.disk(pve, guest, machine)
        self.starter.submit(machine.start, disc).result()
        threading.Thread(target=self.watch, args=(pve, guest, machine), daemon=True).start()

    def disk(self, pve, guest, machine):
        """Above the guest's volume, which holds the published image, as every clone of it does: what the guest writes is the guest's."""
        _, fields = next((name, fields) for name, fields in drives_of(guest.options) if not is_cdrom(fields))
        volume = pve.volumes.need(fields["file"], guest.node)
        if volume.file not in self.disks:
            machine.insert_disk(volume.file, fields["size"])
            self.disks[volume.file] = machine.disk
        return self.disks[volume.file]

    def watch(self, pve, guest, machine):
        """Until it goes off, by whatever."""
        process = machine.process
        process.wait()
        with pve.cluster.lock:
            if machine.process is process and guest.running:
                pve.went_off(guest)

    def stop(self, pve, guest):
        self.lab[guest.name].stop()

    def changed(self, pve, guest):
        if not disc_of(pve, guest):
            self.lab[guest.name].eject()


class First:
    def __init__(self, vmid, options, disc):
        self.vmid, self.options = vmid, options
        self.seed = {name: read_iso(disc, name) for name in ("user-data", "nodekiln.yaml", "network-config")}


def disc_of(pve, guest):
    """The file that is in its CD drive; None: none is."""
    discs = [fields["file"] for _, fields in drives_of(guest.options) if is_cdrom(fields) and ":iso/" in fields["file"]]
    return pve.volumes.need(discs[0], guest.node).file if discs else None


def fit(machine, options):
    machine.mac = re.search("(?i)virtio=([0-9a-f:]{17})", options["net0"])[1].lower()
    machine.uuid = re.search("uuid=([^,]+)", options["smbios1"])[1]
    machine.cpus, machine.memory = options["cores"], f"{options['memory']}M"
