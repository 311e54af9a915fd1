# SPDX-License-Identifier: Apache-2.0
"""Which privilege each option of a guest's configuration needs."""
import re

from . import formats, schema, tags
from .errors import ApiError, denied

QEMU_OPTIONS = {  # privilege: options
    "VM.Config.CPU": "cores cpu runningcpu cpulimit cpuunits numa smp sockets vcpus",
    "VM.Config.Memory": "memory balloon shares allow-ksm",
    "VM.Config.HWType": "acpi hotplug kvm machine runningmachine scsihw smbios1 tablet vga watchdog audio0 rng0",
    "VM.Config.Options": "agent autostart bios description keyboard localtime migrate_downtime migrate_speed name onboot ostype "
                         "protection reboot startdate startup tdf template",
    "VM.PowerMgmt": "freeze",
    "VM.Config.Disk": "boot bootdisk vmstatestorage",
    "VM.Config.Network": "running-nets-host-mtu",
    "VM.Config.Cloudinit": "cicustom cipassword citype ciuser ciupgrade nameserver searchdomain sshkeys",
}
QEMU_PRIVILEGE = {option: privilege for privilege, options in QEMU_OPTIONS.items() for option in options.split()}
NUMBERED = {"numa": "VM.Config.CPU", "net": "VM.Config.Network", "ipconfig": "VM.Config.Cloudinit"}
DRIVE = re.compile(r"(ide|sata|scsi|virtio)\d+|efidisk0|tpmstate0")
CHECKED_BY_VALUE = re.compile(r"(unused|serial|usb|hostpci|virtiofs)\d+|cdrom|tags")
ANY_CONFIG = ["VM.Config.Disk", "VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Memory", "VM.Config.Network", "VM.Config.HWType",
              "VM.Config.Options", "VM.Config.Cloudinit"]
ANY_LXC_CONFIG = ["VM.Config.Disk", "VM.Config.CPU", "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options"]
LXC_OPTIONS = {"cores": "CPU", "cpuunits": "CPU", "cpulimit": "CPU", "memory": "Memory", "swap": "Memory", "nameserver": "Network",
               "searchdomain": "Network", "hostname": "Network"}


def option_of(name):
    return re.sub(r"\d+$", "", name)


def check_qemu(acl, who, vmid, pool, names):
    """The options whose right does not depend on their value."""
    if who == "root@pam":
        return
    for name in sorted(names):
        if DRIVE.fullmatch(name) or CHECKED_BY_VALUE.fullmatch(name):
            continue
        privilege = QEMU_PRIVILEGE.get(name) or (NUMBERED.get(option_of(name)) if name != option_of(name) else None)
        if not privilege:
            raise ApiError(f"only root can set '{name}' config")
        if privilege == "VM.Config.Cloudinit":
            acl.check_vm(who, vmid, pool, [privilege, "VM.Config.Network"], any_of=True)
        else:
            acl.check_vm(who, vmid, pool, [privilege])
        if name == "startup":
            acl.check(who, "/", ["Sys.Modify"])


def drive_fields(value):
    fields = dict(part.split("=", 1) if "=" in part else ("file", part) for part in value.split(","))
    return {**fields, "file": fields.get("file") or fields.get("volume", "")}


def is_cloudinit(fields):
    return bool(re.search(r":cloudinit$|vm-\d+-cloudinit", fields["file"]))


def check_drive(acl, who, vmid, pool, value):
    fields = drive_fields(value)
    if is_cloudinit(fields):
        acl.check_vm(who, vmid, pool, ["VM.Config.Cloudinit", "VM.Config.CDROM"])
    elif fields.get("media") == "cdrom":
        acl.check_vm(who, vmid, pool, ["VM.Config.CDROM"])
    else:
        acl.check_vm(who, vmid, pool, ["VM.Config.Disk"])


def check_device(acl, who, vmid, pool, name, values, verb="modify"):
    """Serial ports are sockets for all users except root; USB and PCI devices are root's, unless mapped (which the fake has not)."""
    if who == "root@pam" or not CHECKED_BY_VALUE.fullmatch(name) or name in ("cdrom", "tags"):
        return
    if option_of(name) == "serial" and all(value == "socket" for value in values):
        acl.check_vm(who, vmid, pool, ["VM.Config.HWType"])
    elif option_of(name) == "unused":
        acl.check_vm(who, vmid, pool, ["VM.Config.Disk"])
    else:
        raise ApiError(f"only root can {verb} '{name}' config for real devices")


def zone_of(acl, bridge):
    """A VNet's zone is where its rights are."""
    return acl.vnets.get(bridge, "localnetwork")


def check_bridge(acl, who, value):
    """SDN.Use on the bridge, or on the VLAN of it."""
    fields = dict(part.split("=", 1) for part in (value or "").split(",") if "=" in part)
    bridge, tag = fields.get("bridge"), fields.get("tag")
    if bridge and who != "root@pam":
        acl.check(who, f"/sdn/zones/{zone_of(acl, bridge)}/{bridge}" + (f"/{tag}" if tag else ""), ["SDN.Use"])


def features(text):
    fields = {"nesting": {"type": "boolean", "optional": 1}, "mount": {"type": "string", "optional": 1}}
    fields.update({name: {"type": "boolean", "optional": 1} for name in ("force_rw_sys", "fuse", "keyctl", "mknod")})
    return schema.parse_property_string(fields, text) if text else {}


def check_features(acl, who, vmid, pool, old, new, unprivileged):
    if not unprivileged:
        raise denied("changing feature flags for privileged container is only allowed for root@pam")
    changed = {name for name in {**old, **new} if old.get(name) != new.get(name)}
    if changed - {"nesting"}:
        raise denied("changing feature flags (except nesting) is only allowed for root@pam")
    if changed:
        acl.check_vm(who, vmid, pool, ["VM.Allocate"])


def check_lxc(cluster, who, vmid, pool, old, new, names, unprivileged):
    """names: options to set (in new) or to delete (not in new)."""
    acl = cluster.acl
    if who == "root@pam":
        return
    for name in sorted(names):
        if name == "rootfs" or re.fullmatch(r"mp\d+", name):
            acl.check_vm(who, vmid, pool, ["VM.Config.Disk"])
            check_mount(acl, who, new.get(name))
        elif name in LXC_OPTIONS:
            acl.check_vm(who, vmid, pool, ["VM.Config." + LXC_OPTIONS[name]])
        elif re.fullmatch(r"net\d+", name):
            acl.check_vm(who, vmid, pool, ["VM.Config.Network"])
            check_bridge(acl, who, old.get(name))
            check_bridge(acl, who, new.get(name))
        elif re.fullmatch(r"dev\d+", name):
            raise denied("configuring device passthrough is only allowed for root@pam")
        elif name == "features":
            check_features(acl, who, vmid, pool, features(old.get(name)), features(new.get(name)), unprivileged)
        elif name == "hookscript":
            raise denied("changing the hookscript is only allowed for root@pam")
        elif name == "tags":
            tags.assert_permitted(cluster, acl, who, vmid, old.get(name), new.get(name))
        else:
            acl.check_vm(who, vmid, pool, ["VM.Config.Options"])


def check_mount(acl, who, value):
    volume = (value or "").split(",")[0].removeprefix("volume=")
    if not volume:
        return
    if not re.fullmatch(formats.VOLUME_ID, volume):
        raise denied(f"mount point type {'device' if volume.startswith('/dev') else 'bind'} is only allowed for root@pam")
    acl.check(who, f"/storage/{volume.split(':')[0]}", ["Datastore.AllocateSpace"])
