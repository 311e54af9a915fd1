# SPDX-License-Identifier: Apache-2.0
"""Making guests: VMs from disks and imports, containers from templates."""
import re
import secrets
import uuid

from . import drives, rights, tags
from .call import ANYBODY, method
from .errors import ApiError, bad_parameters, denied
from .volumes import GIB, check_access, split_volid

NOT_OPTIONS = ("node", "vmid", "pool", "storage", "start", "force", "archive", "bwlimit", "unique", "ha-managed", "live-restore",
               "import-working-storage")
LXC_NOT_OPTIONS = NOT_OPTIONS + ("ostemplate", "password", "ssh-public-keys", "restore", "ignore-unpack-errors", "unprivileged")
MAC_PREFIX = "BC:24:11"
LXC_DEFAULTS = {"arch": "amd64", "memory": "512", "swap": "512"}


def new_mac():
    return MAC_PREFIX + "".join(f":{byte:02X}" for byte in secrets.token_bytes(3))


def with_mac(value):
    """virtio,bridge=vmbr0 becomes virtio=BC:24:11:..,bridge=vmbr0"""
    model, comma, rest = value.partition(",")
    if model.startswith("model="):
        model = model[6:]
    return value if "=" in model or "macaddr=" in rest else f"{model}={new_mac()}{comma}{rest}"


def check_allocate(call, vmid, pool):
    """Whether who calls may make this guest here; in a pool, the pool's right is enough."""
    directory = call.cluster.directory
    if pool is not None and pool not in directory.pools:
        raise denied(f"pool '{pool}' does not exist")
    if not call.acl.check(call.who, f"/vms/{vmid}", ["VM.Allocate"], quiet=True) \
            and not (pool and call.acl.check(call.who, f"/pool/{pool}", ["VM.Allocate"], quiet=True)):
        raise denied()


def check_unused(call, vmid, message=""):
    other = call.cluster.guests.get(int(vmid))
    if other:
        kind = "VM" if other.kind == "qemu" else "CT"
        raise ApiError(f"{message}{kind} {vmid} already exists on node '{other.node}'")


def check_create_values(call, vmid, pool, options):
    for name in sorted(options):
        if rights.DRIVE.fullmatch(name) and not rights.is_cloudinit(drives.parse(options[name])):
            rights.check_drive(call.acl, call.who, vmid, pool, options[name])
        if re.fullmatch(r"net\d+", name):
            rights.check_bridge(call.acl, call.who, options[name])
        if re.fullmatch(r"(serial|usb|hostpci)\d+", name):
            rights.check_device(call.acl, call.who, vmid, pool, name, [options[name]], "set")


def take_options(call, names):
    if "archive" in call.values or "restore" in call.values:
        raise ApiError("the fake restores nothing")
    options = {name: value for name, value in call.values.items() if name not in names and value is not None}
    if "cdrom" in options:
        options["ide2"] = options.pop("cdrom")
    return options


@method("POST", "/nodes/{node}/qemu", ANYBODY)
def create_qemu(call):
    node, vmid, pool, storage = call.node(), call.values["vmid"], call.values.get("pool"), call.values.get("storage")
    options = take_options(call, NOT_OPTIONS)
    if storage:
        call.acl.check(call.who, f"/storage/{storage}", ["Datastore.AllocateSpace"])
    start = call.values.get("start") == "1"
    if start:
        call.acl.check_vm(call.who, vmid, pool, ["VM.PowerMgmt"])
    check_allocate(call, vmid, pool)
    drives.check_volumes(call, options, vmid, storage)
    rights.check_qemu(call.acl, call.who, vmid, pool, options)
    check_create_values(call, vmid, pool, options)
    check_unused(call, vmid, f"unable to create VM {vmid} - ")
    options.update({name: with_mac(value) for name, value in options.items() if re.fullmatch(r"net\d+", name)})
    call.cluster.add_guest(vmid, "qemu", node, {"lock": "create"})
    return call.fake.tasks.start(call, "qmcreate", vmid,
                                 lambda task: make_qemu(call, task, node, int(vmid), pool, storage, options, start))


def make_qemu(call, task, node, vmid, pool, storage, options, start):
    """All or nothing: what was made for a VM that did not come to be is removed."""
    guest, maker = call.cluster.guests[vmid], drives.Maker(call, node, vmid, options, storage)
    try:
        for name in sorted(options):
            if rights.DRIVE.fullmatch(name):
                options[name] = maker.options[name] = maker.make(name, options[name])
                task.log(f"{name}: successfully created disk '{options[name]}'")
        call.fake.tasks.pause(task, call.fake.tasks.kinds.get("qmcreate-disks", 0))
        options.setdefault("boot", drives.boot_order(options))
        options.setdefault("smbios1", f"uuid={uuid.uuid4()}")
        if options.get("vmgenid", "1") == "1":
            options["vmgenid"] = str(uuid.uuid4())
        options["meta"] = "creation-qemu=9.0.2,ctime=" + str(guest.created).split(".", maxsplit=1)[0]
        if "tags" in options and call.cluster.version == 9:  # it is not in its pool yet, so the pool's right does not help
            tags.assert_permitted(call.cluster, call.acl, call.who, vmid, "", options["tags"])
        if "tags" in options and call.cluster.version == 9:
            options["tags"] = tags.normalized(options["tags"], call.cluster.datacenter)
        guest.write(options)
    except ApiError as error:
        maker.undo()
        call.cluster.remove_guest(vmid)
        raise ApiError(f"unable to create VM {vmid} - {error.task_text()}") from None
    if pool:
        call.cluster.directory.pools[pool].vms.add(vmid)
    if start:
        call.fake.start_guest(guest)


@method("POST", "/nodes/{node}/lxc", ANYBODY)
def create_lxc(call):
    node, vmid, pool = call.node(), call.values["vmid"], call.values.get("pool")
    storage = call.values.get("storage") or "local"
    options = take_options(call, LXC_NOT_OPTIONS)
    unprivileged = call.values.get("unprivileged", str(int(call.cluster.version == 9))) == "1"
    if not unprivileged and call.cluster.version == 9:
        call.acl.check(call.who, "/", ["Sys.Modify"])
    check_unused(call, vmid)
    check_allocate(call, vmid, pool)
    rights.check_lxc(call.cluster, call.who, vmid, pool, {}, options, options, unprivileged)
    template = call.values["ostemplate"]
    check_access(call, vmid, template, "vztmpl")
    mounts = {name: f"{storage}:{value}" if re.fullmatch(r"\d+(\.\d+)?", value) else value
              for name, value in options.items() if name == "rootfs" or re.fullmatch(r"mp\d+", name)}
    if mounts and "rootfs" not in mounts:
        raise ApiError("mount points configured, but 'rootfs' not set - aborting")
    mounts.setdefault("rootfs", f"{storage}:4")
    for value in mounts.values():
        check_rootdir(call, node, value)
    start = call.values.get("start") == "1"
    call.cluster.add_guest(vmid, "lxc", node, {"lock": "create"})
    return call.fake.tasks.start(call, "vzcreate", vmid,
                                 lambda task: make_lxc(call, task, node, int(vmid), pool, template, options, mounts, unprivileged, start))


def check_rootdir(call, node, value):
    storage = split_volid(value.split(",")[0].removeprefix("volume="))[0]
    call.fake.volumes.enabled(storage, node)
    if "rootdir" not in call.fake.volumes.contents(storage):
        raise bad_parameters({"storage": f"storage '{storage}' does not support container directories"})
    call.acl.check(call.who, f"/storage/{storage}", ["Datastore.AllocateSpace"])


def card(value):
    """A container's network card as it is kept: its name, then the rest by name."""
    fields = dict(part.split("=", 1) for part in value.split(",") if part)
    fields = {"hwaddr": new_mac(), "type": "veth", **fields}
    return ",".join(f"{key}={fields[key]}" for key in ["name", *sorted(set(fields) - {"name"})])


def make_mount(call, node, vmid, value):
    """(value of the option, the volume)"""
    volume, comma, rest = value.partition(",")
    storage, size = split_volid(volume.removeprefix("volume="))
    if not re.fullmatch(r"\d+(\.\d+)?", size):
        raise ApiError(f"volume '{volume}' does not exist")
    made = call.fake.volumes.allocate(storage, node, vmid, int(float(size) * GIB), "raw", kind="rootdir")
    return f"{made.volid}{comma}{rest},size={size}G", made


def make_lxc(call, task, node, vmid, pool, template, options, mounts, unprivileged, start):
    guest, made = call.cluster.guests[vmid], []
    try:
        source = call.fake.volumes.need(template, node)
        for name, value in mounts.items():
            options[name], volume = make_mount(call, node, vmid, value)
            made.append(volume)
        made[list(mounts).index("rootfs")].file = call.fake.volumes.own_file(source.file)
        task.log(f"extracting archive '{call.fake.volumes.path(source)}'")
        options = {**LXC_DEFAULTS, "hostname": f"CT{vmid}", "ostype": "debian", **options}
        options.update({name: card(value) for name, value in options.items() if re.fullmatch(r"net\d+", name)})
        if unprivileged:
            options["unprivileged"] = "1"
        if "tags" in options:
            options["tags"] = tags.normalized(options["tags"], call.cluster.datacenter)
        guest.write(options)
    except ApiError as error:
        for volume in made:
            call.fake.volumes.free_volume(volume)
        call.cluster.remove_guest(vmid)
        raise ApiError(f"unable to create CT {vmid} - {error.task_text()}") from None
    if pool:
        call.cluster.directory.pools[pool].vms.add(vmid)
    if start:
        call.fake.start_guest(guest)
