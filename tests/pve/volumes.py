# SPDX-License-Identifier: Apache-2.0
"""Storages and the volumes on them. A volume's bytes are a file of ours: what was uploaded, or a link to what it was made from."""
import os
import re
import shutil
import struct
import time
from dataclasses import dataclass

from .errors import ApiError, bad_parameters

WITH_PATH = ("dir", "nfs", "cifs", "btrfs", "cephfs")
LINKED = ("dir", "nfs", "cifs", "lvmthin", "zfspool", "rbd", "btrfs")  # can clone a base volume
EXTENSIONS = {"iso": r"(?i)[^/]+\.(?:iso|img)", "import": r"[a-zA-Z0-9_.\-]+\.(?:ova|qcow2|raw|vmdk)"}
TEMPLATES = {8: r"(?i)[^/]+\.tar\.(?:gz|xz|zst|bz2)", 9: r"(?i)[^/]+\.(?:tar|tar\.(?:gz|xz|zst|bz2))"}
CONTENT_FOLDER = {"iso": "template/iso", "vztmpl": "template/cache", "import": "import"}
QCOW2_MAGIC = b"QFI\xfb"
GIB = 1 << 30


@dataclass
class Volume:
    volid: str
    node: str  # None: on every node
    kind: str  # images, rootdir, iso, vztmpl, import
    format: str
    size: int  # virtual
    file: str = None  # ours
    vmid: int = None
    parent: str = None
    ctime: int = 0
    base: bool = False

    @property
    def storage(self):
        return self.volid.split(":", 1)[0]

    @property
    def stored(self):
        return os.path.getsize(self.file) if self.file and os.path.exists(self.file) else 0


def split_volid(volid):
    storage, colon, name = volid.partition(":")
    if not colon or not name or not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]", storage):
        raise ApiError(f"unable to parse volume ID '{volid}'")
    return storage, name


def kind_of(volid):
    """Of a volume's name, whether it exists or not."""
    _, name = split_volid(volid)
    folder = name.split("/", 1)[0]
    return folder if folder in ("iso", "vztmpl", "import", "snippets", "backup") and "/" in name else "images"


def owner_of(volid):
    found = re.search(r"(?:vm|base|subvol|basevol)-(\d+)-[^/]*$", volid)
    return int(found[1]) if found else None


def format_size(size):
    for unit in ("", "K", "M", "G"):
        if size % 1024 or not size:
            return f"{size}{unit}"
        size //= 1024
    return f"{size}T"


def parse_size(text):
    number, unit = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)(?:iB)?", text).groups()
    return int(float(number) * 1024 ** " KMGT".index(unit or " "))


def probe(file, kind, shown):
    """Virtual size of an image from an untrusted source. kind: qcow2, raw, vmdk."""
    with open(file, "rb") as stream:
        head = stream.read(24 + 8)
    if kind == "qcow2":
        if len(head) < 32 or head[:4] != QCOW2_MAGIC:
            raise ApiError(f"qemu-img: Could not open '{shown}': Image is not in qcow2 format")
        if struct.unpack(">Q", head[8:16])[0]:
            raise ApiError(f"backing file not allowed for untrusted image '{shown}'!")
        return struct.unpack(">Q", head[24:32])[0]
    return os.path.getsize(file)


class Volumes:
    def __init__(self, cluster, directory):
        self.cluster, self.directory = cluster, directory / "volumes"
        self.known = {}
        self.stuck = set()  # volids that their storage does not remove
        self.count = 0

    # Storages.

    def enabled(self, name, node):
        """The storage, when it can be used there."""
        storage = self.cluster.need_storage(name)
        if storage.get("disable"):
            raise ApiError(f"storage '{name}' is disabled")
        if storage.get("nodes") and node not in storage["nodes"]:
            raise ApiError(f"storage '{name}' is not available on node '{node}'")
        return storage

    def place(self, name, node):
        return None if self.cluster.storages[name].get("shared") else node

    def contents(self, name):
        return self.cluster.need_storage(name)["content"].split(",")

    def used(self, name, node):
        return self.cluster.storages[name].get("used", 0) + sum(volume.stored or (0 if volume.file else volume.size)
                                                                for volume in self.on(name, node))

    def free(self, name, node):
        return max(0, self.cluster.storages[name].get("total", 100 * GIB) - self.used(name, node))

    # Volumes.

    def on(self, name, node):
        return [volume for volume in self.known.values() if volume.storage == name and volume.node in (None, node)]

    def find(self, volid, node):
        return self.known.get((volid, None)) or self.known.get((volid, node))

    def need(self, volid, node):
        volume = self.find(volid, node)
        if not volume:
            raise ApiError(f"volume '{volid}' does not exist")
        return volume

    def add(self, volid, node, kind, form, size, **more):
        volume = Volume(volid, self.place(split_volid(volid)[0], node), kind, form, size, ctime=int(time.time()), **more)
        self.remove(volume)  # the same name is silently overwritten
        self.known[volume.volid, volume.node] = volume
        return volume

    def remove(self, volume):
        old = self.known.pop((volume.volid, volume.node), None)
        if old and old.file and old.file != volume.file and os.path.exists(old.file):
            os.unlink(old.file)

    def remove_disk(self, task, volume):
        """At the end of its guest, which ends all the same when the storage refuses."""
        if volume.volid not in self.stuck:
            self.free_volume(volume)
        elif self.cluster.version == 8:
            task.log(f"Could not remove disk '{volume.volid}', check manually: it is busy")
        else:
            task.warn(f"Could not remove disk '{volume.volid}', check manually: it is busy")

    def free_volume(self, volume):
        self.remove(volume)
        if volume.file and os.path.exists(volume.file):
            os.unlink(volume.file)

    def own_file(self, source):
        """A name of our own for the bytes of a file, without copying them where that can be."""
        if not source:
            return None
        self.directory.mkdir(exist_ok=True)
        self.count += 1
        target = str(self.directory / f"{self.count}{os.path.splitext(source)[1]}")
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
        return target

    def path(self, volume):
        return self.path_of(volume.volid)

    def path_of(self, volid):
        """Where the real one would keep it."""
        storage, name = volid.split(":", 1)
        if self.cluster.storages[storage]["type"] not in WITH_PATH:
            return f"/dev/{storage}/{name}"
        root = self.cluster.storages[storage].get("path", f"/mnt/pve/{storage}")
        folder = CONTENT_FOLDER.get(kind_of(volid))
        return f"{root}/{folder}/{name.split('/', 1)[1]}" if folder else f"{root}/images/{name}"

    # Images of guests.

    def name(self, storage, vmid, form, prefix="vm", suffix=None):
        """The next free disk-N of a guest."""
        with_path = self.cluster.storages[storage]["type"] in WITH_PATH
        for number in range(1000):
            stem = f"{prefix}-{vmid}-{suffix or f'disk-{number}'}"
            taken = any(re.search(rf"(?:^|/)(?:vm|base)-{vmid}-{suffix or f'disk-{number}'}(?:\.|$)", volume.volid.split(":", 1)[1])
                        for volume in self.known.values() if volume.storage == storage)
            if not taken:
                return f"{storage}:{vmid}/{stem}.{form}" if with_path else f"{storage}:{stem}"
        raise ApiError(f"unable to allocate an image name for VM {vmid} in storage '{storage}'")

    def check_left(self, storage, node, vmid, suffix):
        """A volume with a name of its own may be there from an earlier guest of that number. Disks take the next number."""
        left = next((volume for volume in self.on(storage, node) if suffix and re.search(rf"vm-{vmid}-{suffix}", volume.volid)), None)
        if not left:
            return
        kind, name = self.cluster.storages[storage]["type"], left.volid.split(":", 1)[1]
        raise ApiError({"lvmthin": f"lvcreate '{storage}/{name}' error:   Logical Volume \"{name}\" already exists in volume group "
                                   f"\"{storage}\"",
                        "zfspool": f"zfs error: cannot create '{storage}/{name}': dataset already exists",
                        "rbd": f"rbd create '{name}' error: rbd: create error: (17) File exists",
                        }.get(kind, f"disk image '{self.path(left)}' already exists"))

    def allocate(self, storage, node, vmid, size, form=None, source=None, suffix=None, kind="images"):
        place = self.cluster.storages[storage]
        form = (form or (source.format if source else None) or "raw") if place["type"] in WITH_PATH else "raw"
        if self.free(storage, node) < (source.stored if source and source.file else size):
            raise ApiError(f"unable to create image: out of space on storage '{storage}'")
        self.check_left(storage, node, vmid, suffix)
        volid = self.name(storage, vmid, form, suffix=suffix)
        return self.add(volid, node, kind, form, size, vmid=vmid, file=self.own_file(source.file) if source else None)

    def make_base(self, volume):
        """A template's disk: it is renamed, and from now on only cloned."""
        if volume.base:
            return volume
        self.known.pop((volume.volid, volume.node))
        volume.volid = re.sub(r"([:/])vm-(\d+-)(?!.*/)", r"\1base-\2", volume.volid)
        volume.base = True
        self.known[volume.volid, volume.node] = volume
        return volume

    def clone(self, volume, vmid, full, storage=None, form=None):
        """A copy, or a child of a base volume."""
        target = storage or volume.storage
        kind = self.cluster.storages[target]["type"]
        if full:
            return self.allocate(target, volume.node, vmid, volume.size, form, volume, kind=volume.kind)
        if not volume.base or kind not in LINKED:
            return None
        child = self.allocate(target, volume.node, vmid, volume.size, "qcow2", volume, kind=volume.kind)
        if kind in WITH_PATH or kind == "zfspool":
            name = volume.volid.split(":", 1)[1]
            self.known.pop((child.volid, child.node))
            child.volid = f"{target}:{name}/{child.volid.split(':', 1)[1]}"
            child.parent = volume.volid
            self.known[child.volid, child.node] = child
        return child

    def children(self, volume):
        return [child for child in self.known.values() if child.parent == volume.volid and child.node == volume.node]


def check_access(call, vmid, volid, wanted=None):
    """Whether who calls may use a volume."""
    acl, who = call.acl, call.who
    storage, _ = split_volid(volid)
    call.cluster.need_storage(storage)
    kind, owner = kind_of(volid), owner_of(volid)
    if wanted and kind != wanted and not (wanted == "rootdir" and kind == "images"):
        raise ApiError(f"unable to use volume {volid} - content type needs to be '{wanted}'")
    if acl.check(who, f"/storage/{storage}", ["Datastore.Allocate"], quiet=True):
        return
    if kind in ("iso", "vztmpl", "import"):
        acl.check(who, f"/storage/{storage}", ["Datastore.AllocateSpace", "Datastore.Audit"], any_of=True)
    elif owner is not None and vmid is not None and owner == int(vmid):
        return
    elif owner is not None:
        acl.check(who, f"/storage/{storage}", ["Datastore.Audit"])
        acl.check(who, f"/vms/{owner}", ["VM.Config.Disk"])
    else:
        raise ApiError(f"missing privileges to access {volid}")


def verify_name(version, content, filename):
    """The name that the file gets, or the 400."""
    filename = re.sub(r"[^a-zA-Z0-9_.\-]", "_", re.sub(r"^.*[/\\]", "", filename, flags=re.S))
    if content == "import" and not re.search(EXTENSIONS["import"] + r"$", filename):
        raise bad_parameters({"filename": "invalid filename or wrong extension"})
    if content == "iso" and not re.fullmatch(EXTENSIONS["iso"], filename) \
            or content == "vztmpl" and not re.fullmatch(TEMPLATES[version], filename):
        raise bad_parameters({"filename": "wrong file extension"})
    return filename
