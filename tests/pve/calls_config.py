# SPDX-License-Identifier: Apache-2.0
"""A guest's configuration: read it, change it under its lock and only when it still has the digest that the caller saw."""
import re
import time

from . import drives, edit, rights, schema, tags
from .call import method, perm
from .calls_create import card, make_mount
from .errors import ApiError, bad_parameters
from .formats import split_list

CONFIG = "/nodes/{node}/%s/{vmid}/config"


def read_config(call, kind):
    if call.values.get("snapshot") and call.values.get("current") == "1":
        raise bad_parameters({name: "cannot use 'snapshot' parameter with 'current'" for name in ("snapshot", "current")})
    guest = call.guest(kind)
    if call.values.get("snapshot"):
        raise ApiError(f"snapshot '{call.values['snapshot']}' does not exist")
    return guest.shown_options(call.cluster.version, call.values.get("current") == "1")


@method("GET", CONFIG % "qemu", perm("/vms/{vmid}", "VM.Audit"), protected=False)
def read_qemu(call):
    return read_config(call, "qemu")


@method("GET", CONFIG % "lxc", perm("/vms/{vmid}", "VM.Audit"), protected=False)
def read_lxc(call):
    return read_config(call, "lxc")


def take_edit(call, kind):
    """(options to set, to delete, to revert, digest) of the parameters, which must go together."""
    options = {name: value for name, value in call.values.items() if name not in ("node", "vmid")}
    digest = options.pop("digest", None)
    options.pop("background_delay", None)
    if options.pop("skiplock", None) == "1":
        raise bad_parameters({"skiplock": "Only root may use this option."})
    if not options:
        raise ApiError("no options specified")
    options.pop("force", None)
    lists = {name: split_list(options.pop(name, None) or "") for name in ("revert", "delete")}
    if kind == "qemu" and "cdrom" in options:
        options["ide2"] = options.pop("cdrom")
    known = schema.properties(call.cluster.version, CONFIG % kind, "PUT")
    for verb, names in lists.items():
        for name in names:
            if schema.find(known, name) is None or name in ("node", "vmid", "digest", "delete", "revert"):
                raise bad_parameters({verb: f"unknown option '{name}'"})
            if options.get(name) is not None:
                raise bad_parameters({"delete": f"you can't use '-{name}' and -{verb} {name}' at the same time"})
    for name in set(lists["delete"]) & set(lists["revert"]):
        raise bad_parameters({"revert": f"you can't use '-delete {name}' and -revert {name}' at the same time"})
    return options, lists["delete"], lists["revert"], digest


def hold(call, guest):
    """Takes the guest's flock, or gives up as the real one does. The cluster's own lock is not held while waiting."""
    until = time.monotonic() + call.cluster.lock_seconds
    while guest.held or guest.sharers:
        if time.monotonic() >= until:
            raise guest.lock_timeout()
        call.cluster.lock.release()
        time.sleep(0.02)
        call.cluster.lock.acquire()


def defined(options):
    """A parameter without a value: tags become a blank by it, notes are left alone, the rest cannot be written."""
    options = dict(options)
    if options.get("description", "") is None:
        del options["description"]
    for name, value in options.items():
        if value is None and name != "tags":
            raise ApiError(f"unable to parse value of '{name}' - got undefined value")
    return options


def check_qemu_values(call, guest, options, delete):
    """Rights that depend on what an option was and becomes."""
    acl, who, vmid = call.acl, call.who, guest.vmid
    for name in delete:
        old = guest.options.get(name)
        if old is not None and rights.DRIVE.fullmatch(name):
            rights.check_drive(acl, who, vmid, None, old)
        if old is not None:
            rights.check_device(acl, who, vmid, None, name, [old], "delete")
        if name == "tags":
            tags.assert_permitted(call.cluster, acl, who, vmid, old, "")
    for name, value in options.items():
        values = [text for text in (guest.options.get(name), value) if text is not None]
        if rights.DRIVE.fullmatch(name):
            for text in values:
                rights.check_drive(acl, who, vmid, None, text)
        if re.fullmatch(r"net\d+", name):
            rights.check_bridge(acl, who, guest.options.get(name))
        rights.check_device(acl, who, vmid, None, name, values)
        if name == "tags":
            tags.assert_permitted(call.cluster, acl, who, vmid, guest.options.get("tags"), value)


def check_boot_order(guest, options, delete):
    order = re.search("order=([^,]+)", options.get("boot") or "")
    for device in split_list(order[1]) if order else ():
        if device in delete or not (device in guest.options or device in options):
            raise ApiError(f"invalid bootorder: device '{device}' does not exist'")


def check_qemu(call, guest, digest):
    if digest and digest != guest.digest:
        raise ApiError("checksum mismatch (file change by other user?)")
    guest.check_lock()


def apply_qemu(call, guest, options, delete, revert):
    check_qemu_values(call, guest, options, delete)
    check_boot_order(guest, options, delete)
    options = defined(options)
    if "tags" in options:
        options["tags"] = tags.normalized(options["tags"], call.cluster.datacenter)
    for name in revert:
        guest.pending.pop(name, None)
        guest.pending_delete.discard(name)
    edit.Edit(call, guest).apply(options, delete)


def update_qemu(call, synchronous):
    guest = call.guest("qemu") if not synchronous else None  # POST looks for it before it forks
    options, delete, revert, digest = take_edit(call, "qemu")
    who, vmid = call.who, int(call.values["vmid"])
    rights.check_qemu(call.acl, who, vmid, None, delete)
    rights.check_qemu(call.acl, who, vmid, None, options)
    for name, value in options.items():
        if re.fullmatch(r"net\d+", name):
            rights.check_bridge(call.acl, who, value)
    drives.check_volumes(call, options, vmid)
    guest = call.guest("qemu")
    check_qemu(call, guest, digest)
    if synchronous:
        locked_update(call, guest, options, delete, revert, digest)
        return None
    if guest.held and call.cluster.version == 8:  # 9.2 forks first, so that this is the task's error there
        hold(call, guest)
    return call.fake.tasks.start(call, "qmconfig", str(vmid),
                                 lambda task: locked_update(call, guest, options, delete, revert, digest))


def locked_update(call, guest, options, delete, revert, digest):
    hold(call, guest)
    check_qemu(call, guest, digest)
    apply_qemu(call, guest, options, delete, revert)


@method("PUT", CONFIG % "qemu", perm("/vms/{vmid}", *rights.ANY_CONFIG, any_of=True))
def put_qemu(call):
    return update_qemu(call, True)


@method("POST", CONFIG % "qemu", perm("/vms/{vmid}", *rights.ANY_CONFIG, any_of=True))
def post_qemu(call):
    return update_qemu(call, False)


@method("PUT", CONFIG % "lxc", perm("/vms/{vmid}", *rights.ANY_LXC_CONFIG, any_of=True))
def put_lxc(call):
    options, delete, _, digest = take_edit(call, "lxc")
    guest = call.guest("lxc")
    hold(call, guest)
    guest.check_lock()
    if digest and digest != guest.digest:
        raise ApiError("detected modified configuration - file changed by other user? Try again.")
    unprivileged = guest.options.get("unprivileged") == "1"
    rights.check_lxc(call.cluster, call.who, guest.vmid, None, guest.options, {}, delete, unprivileged)
    rights.check_lxc(call.cluster, call.who, guest.vmid, None, guest.options, options, options, unprivileged)
    options = defined(options)
    for name in [*options, *delete]:
        if name == "unprivileged":
            raise ApiError(f"unable to {'modify' if name in options else 'delete'} read-only option: '{name}'")
    if "tags" in options:
        options["tags"] = tags.normalized(options["tags"], call.cluster.datacenter)
    options.update({name: card(value) for name, value in options.items() if re.fullmatch(r"net\d+", name)})
    options.update({name: make_mount(call, guest.node, guest.vmid, value)[0] for name, value in options.items()
                    if re.fullmatch(r"mp\d+", name) and guest.options.get(name) != value})
    guest.update(options, delete)
