# SPDX-License-Identifier: Apache-2.0
"""Storages: what there is, what is on them, uploads and deletions."""
import hashlib
import os
import re
import time

from .call import ANYBODY, method, perm
from .errors import ApiError, ServerError, bad_parameters
from .formats import split_list
from .volumes import WITH_PATH, check_access, probe, split_volid, verify_name

STORAGE = "/nodes/{node}/storage"
ONE = STORAGE + "/{storage}"
SEES = ("Datastore.Audit", "Datastore.AllocateSpace")
CHUNK = 1 << 20


def entry(call, name, node):
    """What a storage says about itself; total and the rest are 0 where it is not active."""
    storage, volumes = call.cluster.storages[name], call.fake.volumes
    enabled = not storage.get("disable") and (not storage.get("nodes") or node in storage["nodes"])
    active = enabled and storage.get("active", 1)
    total, used = storage.get("total", 100 << 30), volumes.used(name, node)
    found = {"type": storage["type"], "content": storage["content"], "shared": int(storage.get("shared", 0)), "enabled": int(enabled),
             "active": int(active), "total": 0, "used": 0, "avail": 0}
    if active:
        found.update(total=total, used=used, avail=max(0, total - used))
    return found


@method("GET", STORAGE, ANYBODY)
def listing(call):
    node, wanted = call.node(), split_list(call.values.get("content") or "")
    found = []
    for name in sorted(call.cluster.storages):
        one = entry(call, name, node)
        if not call.acl.check(call.who, f"/storage/{name}", SEES, any_of=True, quiet=True):
            continue
        if call.values.get("storage", name) != name or call.values.get("enabled") == "1" and call.cluster.storages[name].get("disable"):
            continue
        if wanted and not (one["enabled"] and set(wanted) & set(one["content"].split(","))):
            continue
        if one["total"]:
            one["used_fraction"] = one["used"] / one["total"]
        found.append({**one, "storage": name})
    return found


@method("GET", ONE + "/status", perm("/storage/{storage}", *SEES, any_of=True))
def status(call):
    if call.values["storage"] not in call.cluster.storages:
        raise bad_parameters({"storage": "No such storage."})
    return entry(call, call.values["storage"], call.node())


@method("POST", ONE + "/upload", perm("/storage/{storage}", "Datastore.AllocateTemplate"), upload=True)
def upload(call):
    node, name, content = call.node(), call.values["storage"], call.values["content"]
    storage = call.fake.volumes.enabled(name, node)
    if storage["type"] not in WITH_PATH:
        raise ApiError(f"can't upload to storage type '{storage['type']}'")
    if not call.upload:
        raise ApiError("missing temporary file name")
    if content == "import" and not call.fake.imports_images and not call.values["filename"].endswith(".ova"):
        raise bad_parameters({"filename": "invalid filename or wrong extension"})
    filename = verify_name(call.cluster.version, content, call.values["filename"])
    if content not in call.fake.volumes.contents(name):
        raise ApiError(f"storage '{name}' does not support '{content}' content")
    values, file = dict(call.values), call.upload
    return call.fake.tasks.start(call, "imgcopy", "", lambda task: copy(call, task, file, f"{name}:{content}/{filename}", values, node),
                                 node=node)


def copy(call, task, upload, volid, values, node):
    """The task: checksum, format, space, and only then the file is there. The temporary file goes away in any case."""
    task.log(f"starting file import from: {upload.shown}")
    try:
        if values.get("checksum-algorithm"):
            verify(call, task, upload.file, values["checksum-algorithm"], values["checksum"])
        size, volumes = os.path.getsize(upload.file), call.fake.volumes
        form = os.path.splitext(volid)[1][1:] if values["content"] == "import" else "raw"
        virtual = probe(upload.file, form, upload.shown) if values["content"] == "import" and form != "ova" else size
        name = split_volid(volid)[0]
        task.log(f"target node: {node}\ntarget file: {volid}\nfile size is: {size}")
        if volumes.free(name, node) < size:
            program = "cp: error writing: No space left on device"
            if node != call.cluster.node:  # the node that was asked sends it on
                program = "/usr/bin/scp: failed to upload file " + upload.shown
            raise ApiError(f"import failed: {program}")
        volumes.add(volid, node, values["content"], form, virtual, file=volumes.own_file(upload.file))
        task.log("finished file import successfully")
    finally:
        upload.remove()


def verify(call, task, file, algorithm, wanted):
    task.log("calculating checksum...")
    digest = hashlib.new(algorithm)
    with open(file, "rb") as stream:
        while chunk := stream.read(CHUNK):
            call.fake.tasks.breathe()
            digest.update(chunk)
    if digest.hexdigest() != wanted.lower():
        raise ApiError(f"checksum mismatch: got '{digest.hexdigest()}' != expect '{wanted}'")
    task.log("OK, checksum verified")


def visible(call, volume):
    try:
        check_access(call, None, volume.volid)
        return True
    except ApiError:
        return False


@method("GET", ONE + "/content", perm("/storage/{storage}", *SEES, any_of=True))
def contents(call):
    node, name, wanted = call.node(), call.values["storage"], call.values.get("content")
    call.fake.volumes.enabled(name, node)
    found = []
    for volume in sorted(call.fake.volumes.on(name, node), key=lambda volume: volume.volid):
        if wanted not in (None, volume.kind) or str(volume.vmid) != str(call.values.get("vmid", volume.vmid)) or not visible(call, volume):
            continue
        is_image = volume.kind in ("images", "rootdir")
        one = {"volid": volume.volid, "format": shown_format(volume), "size": volume.size if is_image else volume.stored,
               "ctime": volume.ctime, "content": volume.kind}
        if is_image:
            one["vmid"] = volume.vmid
        if volume.parent:
            one["parent"] = volume.parent
        found.append(one)
    return found


def shown_format(volume):
    if volume.kind == "iso":
        return "iso"
    if volume.kind == "vztmpl":
        return "t" + re.sub(r"^.*\.tar\.", "", volume.volid)
    return volume.format


def full_volid(call):
    """A volume's name in a path may carry its storage or not."""
    storage, volume = call.values.get("storage"), call.values["volume"]
    if ":" not in volume:
        return f"{storage}:{volume}"
    if volume.partition(":")[0] != storage:
        raise bad_parameters({"volume": f"storage ID mismatch ({volume.partition(':')[0]} != {storage})\n"})
    return volume


@method("GET", ONE + "/content/{volume}", ANYBODY)
def info(call):
    volid = full_volid(call)
    check_access(call, None, volid)
    volume = call.fake.volumes.need(volid, call.node())
    return {"path": call.fake.volumes.path(volume), "size": volume.size, "used": volume.stored, "format": volume.format}


@method("DELETE", ONE + "/content/{volume}", ANYBODY)
def delete(call):
    """A task; a file that is not there is deleted just as well."""
    volid, node = full_volid(call), call.node()
    storage = split_volid(volid)[0]
    call.cluster.need_storage(storage)
    call.acl.check(call.who, f"/storage/{storage}", ["Datastore.Allocate"])
    volumes = call.fake.volumes

    def work(task):
        volume = volumes.find(volid, node)
        if volume and volumes.children(volume):
            raise ApiError(f"base volume '{volid}' is still in use by linked clones")
        if volume:
            volumes.free_volume(volume)
        task.log(f"Removed volume '{volid}'")

    upid = call.fake.tasks.start(call, "imgdel", f"{storage}", work, node=node)
    if not call.values.get("delay"):
        return upid
    task = call.fake.tasks.wait(upid, int(call.values["delay"]))
    if task.exitstatus not in (None, "OK"):
        raise ApiError(task.exitstatus)
    return None if task.exitstatus else upid


@method("POST", ONE + "/download-url", {"check": ["and", ["perm", "/storage/{storage}", ["Datastore.AllocateTemplate"]],
                                                  ["or", ["perm", "/", ["Sys.Audit", "Sys.Modify"]],
                                                   ["perm", "/nodes/{node}", ["Sys.AccessNetwork"]]]]})
def download(call):
    """No network here: only what is there already, with the right checksum, is a success."""
    node, name, content = call.node(), call.values["storage"], call.values["content"]
    storage = call.fake.volumes.enabled(name, node)
    if storage["type"] not in WITH_PATH:
        raise ApiError(f"can't upload to storage type '{storage['type']}'")
    filename = verify_name(call.cluster.version, content, call.values["filename"])
    if content not in call.fake.volumes.contents(name):
        raise ApiError(f"storage '{name}' is not configured for content-type '{content}'")
    values = dict(call.values)

    def work(task):
        volume = call.fake.volumes.find(f"{name}:{content}/{filename}", node)
        if volume and values.get("checksum-algorithm"):
            verify(call, task, volume.file, values["checksum-algorithm"], values["checksum"])
            task.log("OK, got correct file already")
            return
        raise ApiError(f"download failed: wget: unable to reach '{values['url']}'")

    return call.fake.tasks.start(call, "download", filename, work, node=node)


class Upload:
    """The temporary file of an upload. What fails before a task has it leaves it behind, as on a real node."""

    def __init__(self, directory, number, space):
        stem = hashlib.md5(f"{number}{time.time()}{os.getpid()}".encode()).hexdigest()
        directory.mkdir(exist_ok=True)
        self.file = str(directory / f"pveupload-{stem}")
        self.shown = f"/var/tmp/pveupload-{stem}"
        self.stream = os.fdopen(os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
        self.space = space

    def write(self, data):
        self.space -= len(data)
        if self.space < 0:
            raise ServerError(500, "write to temporary file failed - No space left on device\n")
        self.stream.write(data)

    def close(self):
        self.stream.close()

    def remove(self):
        if os.path.exists(self.file):
            os.unlink(self.file)
