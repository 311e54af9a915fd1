# SPDX-License-Identifier: Apache-2.0
"""Copies of guests, templates, growing disks, and the end of guests."""
import re
import uuid

from . import drives, rights
from .call import method, perm
from .calls_create import new_mac
from .errors import ApiError, bad_parameters, denied
from .volumes import LINKED, format_size

CLONE = {"check": ["and", ["perm", "/vms/{vmid}", ["VM.Clone"]],
                   ["or", ["perm", "/vms/{newid}", ["VM.Allocate"]],
                    ["perm", "/pool/{pool}", ["VM.Allocate"], "require_param", "pool"]]]}
ONE = "/nodes/{node}/%s/{vmid}"


def is_volume(kind, name):
    return bool(rights.DRIVE.fullmatch(name)) if kind == "qemu" else name == "rootfs" or bool(re.fullmatch(r"mp\d+", name))


def volume_of(value):
    fields = drives.parse(value)
    return fields["file"], fields


class Plan:
    """A clone that may happen: checked before the task, and once more in it."""

    def __init__(self, call, kind):
        self.call, self.kind = call, kind
        values = call.values
        self.vmid, self.newid = int(values["vmid"]), int(values["newid"])
        self.pool, self.storage, self.form = values.get("pool"), values.get("storage"), values.get("format")
        self.node = call.node()
        self.target = values.get("target") or self.node
        if self.target not in call.cluster.nodes:
            raise ApiError(f"no such cluster node '{self.target}'")
        self.full = None

    def check(self):
        call, cluster = self.call, self.call.cluster
        if self.pool is not None and self.pool not in cluster.directory.pools:
            raise denied(f"pool '{self.pool}' does not exist")
        self.check_storage()
        guest = call.guest(self.kind)
        guest.check_lock()
        full = self.call.values.get("full")
        self.full = not guest.template if full is None else full == "1"
        for name, value in (("storage", self.storage), ("format", self.form)):
            if value and not self.full:
                raise ApiError(f"parameter '{name}' not allowed for linked clones")
        shared = all([self.check_option(guest, name, value) for name, value in sorted(guest.options.items())])
        if self.target != self.node and not shared:
            raise ApiError(f"can't clone {'VM' if self.kind == 'qemu' else 'CT'} to node '{self.target}' "
                           f"({'VM' if self.kind == 'qemu' else 'CT'} uses local storage)")
        return guest

    def check_storage(self):
        if not self.storage:
            return
        storage = self.call.fake.volumes.enabled(self.storage, self.node)
        if self.kind == "qemu" and "images" not in self.call.fake.volumes.contents(self.storage):
            raise bad_parameters({"storage": f"storage '{self.storage}' does not support vm images"})
        if self.target != self.node and not storage.get("shared"):
            raise ApiError(f"can't clone to non-shared storage '{self.storage}'")

    def check_option(self, guest, name, value):
        """Whether what the option needs is on every node."""
        call = self.call
        if re.fullmatch(r"net\d+", name):
            rights.check_bridge(call.acl, call.who, value)
        if not is_volume(self.kind, name):
            return True
        volid, fields = volume_of(value)
        if volid in ("", "none"):
            return True
        storage = volid.split(":")[0]
        cdrom = self.kind == "qemu" and drives.is_cdrom(fields)
        if not cdrom:
            call.acl.check(call.who, f"/storage/{self.storage or storage}", ["Datastore.AllocateSpace"])
            self.check_linked(guest, name, volid)
        return bool(call.cluster.need_storage(storage).get("shared"))

    def check_linked(self, guest, name, volid):
        volume = self.call.fake.volumes.need(volid, guest.node)
        linkable = volume.base and self.call.cluster.storages[volume.storage]["type"] in LINKED
        if not self.full and not linkable:
            raise ApiError(f"Linked clone feature is not supported for '{volid}' ({name})" if self.kind == "qemu"
                           else f"Linked clone feature for '{volid}' is not available")


def clone_options(plan, task, guest, made):
    """The new guest's options; made: the volumes, for the case that one fails."""
    options = {}
    for name, value in sorted(guest.options.items()):
        if re.fullmatch(r"unused\d+", name) or name in ("template", "lock", "snaptime", "parent"):
            continue
        if re.fullmatch(r"net\d+", name):
            value = re.sub(r"(?i)((?:^|,)(?:\w+|hwaddr|macaddr)=)([0-9a-f]{2}(:[0-9a-f]{2}){5})", lambda m: m[1] + new_mac(), value)
        elif is_volume(plan.kind, name):
            value = clone_volume(plan, task, guest, name, value, made)
        options[name] = value
    if plan.kind == "qemu":
        fields = dict(part.split("=", 1) for part in options.get("smbios1", "").split(",") if part)
        options["smbios1"] = ",".join(f"{key}={text}" for key, text in {**fields, "uuid": str(uuid.uuid4())}.items())
        if "vmgenid" in options:
            options["vmgenid"] = str(uuid.uuid4())
        options["name"] = plan.call.values.get("name") or f"Copy-of-VM-{guest.name or guest.vmid}"
    elif plan.call.values.get("hostname"):
        options["hostname"] = plan.call.values["hostname"]
    if plan.call.values.get("description"):
        options["description"] = plan.call.values["description"]
    return options


def clone_volume(plan, task, guest, name, value, made):
    volid, fields = volume_of(value)
    volumes = plan.call.fake.volumes
    if plan.kind == "qemu" and rights.is_cloudinit(fields):
        old = volumes.need(volid, guest.node)
        volume = volumes.allocate(plan.storage or old.storage, guest.node, plan.newid, old.size, old.format, suffix="cloudinit")
    elif plan.kind == "qemu" and (drives.is_cdrom(fields) or volid in ("", "none")):
        return value
    else:
        volume = volumes.clone(volumes.need(volid, guest.node), plan.newid, plan.full, plan.storage, plan.form)
        task.log(f"create {'full' if plan.full else 'linked'} clone of drive {name} ({volid})")
    made.append(volume)
    fields.pop("volume", None)
    return drives.show({**fields, "file": volume.volid})


def check_free(plan):
    taken = plan.call.cluster.guests.get(plan.newid)
    if taken and plan.kind == "qemu":
        raise ApiError(f"unable to create VM {plan.newid}: config file already exists")
    if taken:
        raise ApiError(f"{'VM' if taken.kind == 'qemu' else 'CT'} {plan.newid} already exists on node '{taken.node}'")


def begin(plan):
    """Both carry locks while it lasts: of a VM its flock is shared with other clones, a container's configuration says "disk"."""
    guest = plan.check()
    check_free(plan)
    if plan.kind == "qemu":
        guest.sharers += 1
    else:
        guest.update({"lock": "disk"})
    plan.call.cluster.add_guest(plan.newid, plan.kind, plan.node, {"lock": "clone" if plan.kind == "qemu" else "create"})


def finish(plan, task):
    call, made = plan.call, []
    guest, new = call.cluster.guests[plan.vmid], call.cluster.guests[plan.newid]
    if plan.kind == "qemu":
        guest.sharers -= 1
    else:
        guest.update({}, ["lock"])
    try:
        new.write(clone_options(plan, task, guest, made))
    except ApiError as error:
        for volume in made:
            call.fake.volumes.free_volume(volume)
        call.cluster.remove_guest(plan.newid)
        raise ApiError(f"clone failed: {error.task_text()}") from None
    new.node = plan.target
    if plan.pool:
        call.cluster.directory.pools[plan.pool].vms.add(plan.newid)


def clone(call, kind):
    plan = Plan(call, kind)
    guest = plan.check()
    check_free(plan)
    if kind == "lxc" and guest.running and plan.full:
        raise ApiError("Full clone of a running container is only possible from a snapshot")
    if kind == "lxc":  # locked before the answer
        begin(plan)
    return call.fake.tasks.start(call, "qmclone" if kind == "qemu" else "vzclone", str(plan.vmid), lambda task: finish(plan, task),
                                 begin=(lambda _: begin(plan)) if kind == "qemu" else None)


@method("POST", ONE % "qemu" + "/clone", CLONE)
def clone_qemu(call):
    return clone(call, "qemu")


@method("POST", ONE % "lxc" + "/clone", CLONE)
def clone_lxc(call):
    return clone(call, "lxc")


def check_template(guest):
    guest.check_lock()
    if guest.template:
        raise ApiError("you can't convert a template to a template")
    if guest.running:
        raise ApiError("you can't convert a VM to template if VM is running" if guest.kind == "qemu"
                       else "you can't convert a CT to template if the CT is running")


def make_template(call, guest):
    check_template(guest)
    options = dict(guest.options)
    for name, value in guest.options.items():
        if is_volume(guest.kind, name):
            volid, fields = volume_of(value)
            volume = call.fake.volumes.find(volid, guest.node)
            if volume and volume.vmid == guest.vmid and not rights.is_cloudinit(fields):
                fields.pop("volume", None)
                options[name] = drives.show({**fields, "file": call.fake.volumes.make_base(volume).volid})
    guest.write({**options, "template": "1"})


@method("POST", ONE % "qemu" + "/template", perm("/vms/{vmid}", "VM.Allocate"))
def template_qemu(call):
    guest = call.guest("qemu")
    check_template(guest)
    return call.fake.tasks.start(call, "qmtemplate", str(guest.vmid), lambda _: make_template(call, guest))


@method("POST", ONE % "lxc" + "/template", perm("/vms/{vmid}", "VM.Allocate"))
def template_lxc(call):
    """A task too, but its id is not returned."""
    guest = call.guest("lxc")
    check_template(guest)
    call.fake.tasks.start(call, "vztemplate", str(guest.vmid), lambda _: make_template(call, guest))


@method("PUT", ONE % "qemu" + "/resize", perm("/vms/{vmid}", "VM.Config.Disk"))
def resize(call):
    guest, disk, text = call.guest("qemu"), call.values["disk"], call.values["size"]

    def work(_):
        if call.values.get("digest") and call.values["digest"] != guest.digest:
            raise ApiError("checksum mismatch (file change by other user?)")
        guest.check_lock()
        if disk not in guest.options:
            raise ApiError(f"disk '{disk}' does not exist")
        volid, fields = volume_of(guest.options[disk])
        if drives.is_cdrom(fields):
            raise ApiError("you can't resize a cdrom")
        call.acl.check(call.who, f"/storage/{volid.split(':')[0]}", ["Datastore.AllocateSpace"])
        volume = call.fake.volumes.need(volid, guest.node)
        size = drives.grown(volume.size, text)
        if size < volume.size:
            raise ApiError("shrinking disks is not supported")
        volume.size = size
        guest.update({disk: drives.show({**fields, "size": format_size(size)})})

    return call.fake.tasks.start(call, "resize", str(guest.vmid), work)


def check_destroy(call, guest):
    kind = "VM" if guest.kind == "qemu" else "CT"
    if guest.options.get("protection") == "1":
        raise ApiError(f"can't remove {kind} {guest.vmid} - protection mode enabled")
    if guest.kind == "lxc":
        guest.check_lock()
    if guest.running and not (guest.kind == "lxc" and call.values.get("force") == "1"):
        raise ApiError(f"VM {guest.vmid} is running - destroy failed" if guest.kind == "qemu"
                       else f"unable to destroy CT {guest.vmid} - container is running")


def destroy(call, kind, task_kind):
    guest = call.guest(kind)
    check_destroy(call, guest)

    def work(task):
        check_destroy(call, guest)
        guest.check_lock()
        volumes = call.fake.volumes
        owned = [volume for volume in volumes.known.values() if volume.vmid == guest.vmid and volume.node in (None, guest.node)]
        for volume in owned:
            if volumes.children(volume):
                raise ApiError(f"base volume '{volume.volid}' is still in use by linked cloned")
        if guest.running:
            call.fake.stop_guest(guest)
        named = {volume_of(value)[0] for name, value in guest.options.items() if is_volume(kind, name) or name.startswith("unused")}
        for volume in owned:
            if volume.volid in named or call.values.get("destroy-unreferenced-disks") == "1":
                volumes.remove_disk(task, volume)
        call.cluster.remove_guest(guest.vmid)

    return call.fake.tasks.start(call, task_kind, str(guest.vmid), work)


@method("DELETE", ONE % "qemu", perm("/vms/{vmid}", "VM.Allocate"))
def destroy_qemu(call):
    return destroy(call, "qemu", "qmdestroy")


@method("DELETE", ONE % "lxc", perm("/vms/{vmid}", "VM.Allocate"))
def destroy_lxc(call):
    return destroy(call, "lxc", "vzdestroy")
