# SPDX-License-Identifier: Apache-2.0
"""Guests on and off, and what cloud-init gets."""
import hashlib
import re
import urllib.parse

from .call import method, perm
from .calls_cluster import status_entry
from .errors import ApiError, bad_parameters
from .volumes import split_volid

STATUS = "/nodes/{node}/%s/{vmid}/status/%s"
POWER = perm("/vms/{vmid}", "VM.PowerMgmt")
AUDIT = perm("/vms/{vmid}", "VM.Audit")
ROOT_ONLY = ("skiplock", "stateuri", "migratedfrom", "migration_type", "migration_network", "targetstorage", "force-cpu", "keepActive")


def check_root_options(call):
    for name in ROOT_ONLY:
        if call.values.get(name) not in (None, "0"):
            raise bad_parameters({name: "Only root may use this option."})


def current(call, kind):
    guest = call.guest(kind)
    return {**status_entry(call, guest), "ha": {"managed": 0}, "type": kind}


@method("GET", STATUS % ("qemu", "current"), AUDIT)
def current_qemu(call):
    return {**current(call, "qemu"), "qmpstatus": call.guest("qemu").status}


@method("GET", STATUS % ("lxc", "current"), AUDIT)
def current_lxc(call):
    return current(call, "lxc")


def check_snippets(call, guest):
    """Files of cicustom are looked for at the start, not before."""
    for part in filter(None, guest.options.get("cicustom", "").split(",")):
        volid = part.split("=", 1)[1]
        split_volid(volid)
        if not call.fake.volumes.find(volid, guest.node):
            raise ApiError(f"volume '{volid}' does not exist")


def check_bridges(call, guest):
    """9 looks for the bridge; 8 finds out when the network card stays dead."""
    known = [*call.cluster.nodes[guest.node].get("bridges", ["vmbr0"]), *call.acl.vnets]
    for name, value in guest.options.items():
        bridge = re.search(r"bridge=([^,]+)", value) if re.fullmatch(r"net\d+", name) else None
        if bridge and call.cluster.version == 9 and bridge[1] not in known:
            raise ApiError(f"bridge '{bridge[1]}' does not exist")


def check_start(call, guest):
    kind = "vm" if guest.kind == "qemu" else "CT"
    if guest.template:
        raise ApiError(f"you can't start a {kind} if it's a template")
    guest.check_lock()
    if guest.running:
        raise ApiError(f"{'VM' if guest.kind == 'qemu' else 'CT'} {guest.vmid} already running")


def start(call, kind, task_kind):
    check_root_options(call)
    guest = call.guest(kind)
    if kind == "lxc" and guest.running:
        raise ApiError(f"CT {guest.vmid} already running")

    def work(_):
        check_start(call, guest)
        guest.apply_pending()
        check_snippets(call, guest)
        check_bridges(call, guest)
        call.fake.start_guest(guest)

    return call.fake.tasks.start(call, task_kind, str(guest.vmid), work)


def stop(call, kind, task_kind):
    check_root_options(call)
    guest = call.guest(kind)
    if kind == "lxc" and not guest.running:
        raise ApiError(f"CT {guest.vmid} not running")

    def work(_):
        guest.check_lock()
        if guest.running:
            call.fake.stop_guest(guest)

    return call.fake.tasks.start(call, task_kind, str(guest.vmid), work)


@method("POST", STATUS % ("qemu", "start"), POWER)
def start_qemu(call):
    return start(call, "qemu", "qmstart")


@method("POST", STATUS % ("lxc", "start"), POWER)
def start_lxc(call):
    return start(call, "lxc", "vzstart")


@method("POST", STATUS % ("qemu", "stop"), POWER)
def stop_qemu(call):
    return stop(call, "qemu", "qmstop")


@method("POST", STATUS % ("qemu", "shutdown"), POWER)
def shutdown_qemu(call):
    return stop(call, "qemu", "qmshutdown")


@method("POST", STATUS % ("lxc", "stop"), POWER)
def stop_lxc(call):
    return stop(call, "lxc", "vzstop")


def user_data(guest):
    """What the drive says; the host name is the one place where an unnamed VM shows its number."""
    lines = ["#cloud-config", f"hostname: {guest.name or f'VM{guest.vmid}'}", "manage_etc_hosts: true"]
    lines += [f"user: {guest.options['ciuser']}"] if "ciuser" in guest.options else []
    lines += [f"password: {guest.options['cipassword']}"] if "cipassword" in guest.options else []
    if "sshkeys" in guest.options:
        keys = urllib.parse.unquote(guest.options["sshkeys"]).strip().split("\n")
        lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in keys)]
    return "\n".join([*lines, "chpasswd:", "  expire: False", *([] if guest.options.get("ciuser") == "root" else ["users:", "  - default"]),
                      *([] if guest.options.get("ciupgrade") == "0" else ["package_upgrade: true"])]) + "\n"


def network_config(guest):
    lines = ["version: 1", "config:"]
    for name, value in sorted(guest.options.items()):
        number = re.fullmatch(r"net(\d+)", name)
        config = guest.options.get(f"ipconfig{number[1]}") if number else None
        mac = re.search("(?i)[0-9a-f]{2}(:[0-9a-f]{2}){5}", value) if number else None
        if config and mac:
            lines += ["    - type: physical", f"      name: eth{number[1]}", f"      mac_address: '{mac[0].lower()}'", "      subnets:"]
            lines += ["      - type: dhcp4"] if "ip=dhcp" in config else [f"      - type: static # {config}"]
    return "\n".join(lines) + "\n"


@method("GET", "/nodes/{node}/qemu/{vmid}/cloudinit/dump", AUDIT, protected=False)
def dump(call):
    guest = call.guest("qemu")
    user, network = user_data(guest), network_config(guest)
    return {"user": user, "network": network,
            "meta": f"instance-id: {hashlib.sha1((user + network).encode()).hexdigest()}\n"}[call.values["type"]]


@method("PUT", "/nodes/{node}/qemu/{vmid}/cloudinit", perm("/vms/{vmid}", "VM.Config.Cloudinit"))
def regenerate(call):
    call.guest("qemu").check_lock()
