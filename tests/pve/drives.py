# SPDX-License-Identifier: Apache-2.0
"""Drives of VMs as options: "STORE:0,import-from=STORE:import/F.qcow2,discard=on" becomes "STORE:vm-101-disk-0,discard=on,size=8G"."""
import re

from . import rights
from .errors import ApiError, bad_parameters
from .volumes import GIB, check_access, format_size, kind_of, parse_size, split_volid

NEW_DISK = re.compile(r"(?:([^/:\s]+):)?(\d+(?:\.\d+)?)")
CLOUDINIT_SIZE = 4 << 20
EFI_SIZE = 528 << 10


def parse(value):
    return rights.drive_fields(value)


def show(fields):
    """The volume first, then the rest by name."""
    rest = sorted((name, value) for name, value in fields.items() if name not in ("file", "volume"))
    return ",".join([fields["file"], *(f"{name}={value}" for name, value in rest)])


def is_cdrom(fields):
    return fields.get("media") == "cdrom"


def is_new_cloudinit(fields):
    return bool(re.fullmatch(r"(?:[^/:\s]+:)?cloudinit", fields["file"]))


def check_volumes(call, options, vmid, default_storage=None):
    """Whether the volumes that these options name can be used, before anything happens."""
    for name in sorted(options):
        if rights.DRIVE.fullmatch(name) and options[name] is not None:
            check_volume(call, name, parse(options[name]), vmid, default_storage)


def check_volume(call, name, fields, vmid, default_storage):
    cluster, acl, volid = call.cluster, call.acl, fields["file"]
    new = NEW_DISK.fullmatch(volid)
    if volid in ("", "none") or is_new_cloudinit(fields):
        pass
    elif volid == "cdrom":
        acl.check(call.who, "/", ["Sys.Console"])
    elif new and not is_cdrom(fields):
        storage = new[1] or default_storage
        if not storage:
            raise ApiError("no storage ID specified (and no default storage)")
        acl.check(call.who, f"/storage/{storage}", ["Datastore.AllocateSpace"])
        cluster.need_storage(storage)
        if "images" not in call.fake.volumes.contents(storage):
            raise bad_parameters({"storage": f"storage '{storage}' does not support vm images"})
    elif volid.startswith("/"):
        raise ApiError("Only root can pass arbitrary filesystem paths.")
    else:
        check_access(call, vmid, volid)
        if kind_of(volid) not in ("images", "iso"):
            raise bad_parameters({name: "content type needs to be 'images' or 'iso'"})
        if kind_of(volid) == "iso" and not is_cdrom(fields):
            raise bad_parameters({name: "explicit 'media=cdrom' is required for iso images"})
    if "import-from" in fields:
        check_source(call, name, fields, vmid)


def check_source(call, name, fields, vmid):
    source = fields["import-from"]
    new = NEW_DISK.fullmatch(fields["file"])
    if not new or float(new[2]) != 0:
        raise bad_parameters({name: "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"})
    if source.startswith("/"):
        raise ApiError("Only root can pass arbitrary filesystem paths.")
    call.cluster.need_storage(split_volid(source)[0])
    kind = kind_of(source)
    if kind not in ("images", "import"):
        raise bad_parameters({name: f"{source} has wrong type '{kind}' - needs to be 'images' or 'import'"})
    check_access(call, vmid, source)


class Maker:
    """Makes the volumes of one guest's new drives; undo() when something failed later."""

    def __init__(self, call, node, vmid, options=(), default_storage=None):
        self.call, self.node, self.vmid, self.default_storage = call, node, int(vmid), default_storage
        self.volumes, self.options = call.fake.volumes, dict(options)
        self.made = []

    def undo(self):
        for volume in self.made:
            self.volumes.free_volume(volume)

    def make(self, name, value):
        """The option's value once its volume is there."""
        fields = parse(value)
        volid, new = fields["file"], NEW_DISK.fullmatch(fields["file"])
        if volid in ("", "none", "cdrom"):
            fields.pop("size", None)
        elif is_new_cloudinit(fields):
            self.make_cloudinit(name, fields)
        elif new and not is_cdrom(fields):
            self.make_disk(name, fields, new[1] or self.default_storage, float(new[2]))
        else:
            check_access(self.call, self.vmid, volid)
            fields["size"] = format_size(self.volumes.need(volid, self.node).size)
        return show(fields)

    def make_cloudinit(self, name, fields):
        other = next((key for key, value in self.options.items()
                      if key != name and rights.DRIVE.fullmatch(key) and rights.is_cloudinit(parse(value))), None)
        if other:
            raise ApiError(f"{name} - cloud-init drive is already attached at '{other}'")
        storage = fields["file"].rpartition(":")[0] or self.default_storage
        if not storage:
            raise ApiError("no storage ID specified (and no default storage)")
        self.volumes.enabled(storage, self.node)
        volume = self.volumes.allocate(storage, self.node, self.vmid, CLOUDINIT_SIZE, fields.get("format", "qcow2"), suffix="cloudinit")
        self.made.append(volume)
        fields.pop("format", None)
        fields.update(file=volume.volid, media="cdrom")

    def make_disk(self, name, fields, storage, gib):
        self.volumes.enabled(storage, self.node)
        source, size = None, EFI_SIZE if name == "efidisk0" else int(gib * GIB)
        if "import-from" in fields:
            text = fields.pop("import-from")
            source = self.volumes.find(text, self.node)
            if not source:
                raise ApiError(f"failed to stat '{self.volumes.path_of(text)}'")
            size = source.size
        volume = self.volumes.allocate(storage, self.node, self.vmid, size, fields.get("format"), source)
        self.made.append(volume)
        fields.pop("format", None)
        fields.update(file=volume.volid, size=format_size(size))
        if self.options.get("template") == "1":
            fields["file"] = self.volumes.make_base(volume).volid


def boot_order(options):
    """What boots by default: the first disk, the CD drives, then the network."""
    drives = sorted(name for name in options if re.fullmatch(r"(ide|sata|scsi|virtio)\d+", name))
    disks = [name for name in drives if not is_cdrom(parse(options[name]))][:1]
    compact = [name for name in drives if is_cdrom(parse(options[name])) and not rights.is_cloudinit(parse(options[name]))]
    return "order=" + ";".join(disks + compact + sorted(name for name in options if re.fullmatch(r"net\d+", name))[:1])


def drives_of(options):
    return [(name, parse(value)) for name, value in sorted(options.items()) if rights.DRIVE.fullmatch(name)
            or re.fullmatch(r"unused\d+", name)]


def grown(current, text):
    """New size of a disk for "+8G" or "16G"."""
    size = parse_size(text.removeprefix("+"))
    return current + size if text.startswith("+") else size
