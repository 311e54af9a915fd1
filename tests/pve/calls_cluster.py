# SPDX-License-Identifier: Apache-2.0
"""What there is: version, nodes, guests, free ids, and permissions."""
import time

from .call import ANYBODY, WORLD, method
from .directory import Stranger
from .errors import ApiError, bad_parameters, denied

GIB = 1 << 30


@method("GET", "/version", ANYBODY, protected=False)
def version(call):
    full = call.fake.full_release
    return {"version": full, "release": ".".join(full.split(".")[:2]), "repoid": "0123456789abcdef"}


@method("GET", "/cluster/nextid", ANYBODY, protected=False)
def next_id(call):
    vmid = call.values.get("vmid")
    if vmid is None:
        return call.cluster.next_id()
    if int(vmid) in call.cluster.guests:
        raise bad_parameters({"vmid": f"VM {vmid} already exists"})
    return vmid


def node_entry(call, name):
    info = call.cluster.nodes[name]
    online = info.get("online", True)
    entry = {"id": f"node/{name}", "node": name, "type": "node", "status": "online" if online else "offline", "level": ""}
    if call.acl.check(call.who, f"/nodes/{name}", ["Sys.Audit"], quiet=True):
        entry.update(maxcpu=8, maxmem=32 * GIB, maxdisk=100 * GIB)
        if online:
            entry.update(uptime=1000, cpu=0.01, mem=4 * GIB, disk=10 * GIB)
    return entry


@method("GET", "/nodes", ANYBODY, protected=False)
def nodes(call):
    return [{**node_entry(call, name), "ssl_fingerprint": call.fake.fingerprint} for name in call.cluster.nodes]


@method("GET", "/cluster/status", {"check": ["perm", "/", ["Sys.Audit"]]})
def status(call):
    return [{"type": "node", "name": name, "id": f"node/{name}", "online": int(info.get("online", True)), "nodeid": 0, "level": "",
             "ip": "127.0.0.1", "local": int(name == call.cluster.node)} for name, info in call.cluster.nodes.items()]


def guest_entry(call, guest):
    """Statistics come from a daemon that looks every 10 seconds: a fresh guest has none, nor a name."""
    entry = {"id": f"{guest.kind}/{guest.vmid}", "vmid": guest.vmid, "node": guest.node, "type": guest.kind, "status": "unknown"}
    if time.time() - guest.created >= call.fake.statistics_delay:
        entry.update(name=guest.shown_name, status=guest.status, template=int(guest.template), uptime=uptime(guest), cpu=0,
                     maxcpu=int(guest.options.get("cores", 1)), mem=0, maxmem=int(guest.options.get("memory", 512)) << 20, disk=0,
                     maxdisk=0, netin=0, netout=0, diskread=0, diskwrite=0)
        if call.cluster.version == 9:
            entry["memhost"] = 0
    for name in ("lock", "tags"):
        if name in guest.options:
            entry[name] = guest.options[name]
    pool = call.cluster.directory.pool_of(guest.vmid)
    if pool and call.acl.check(call.who, f"/pool/{pool}", ["Pool.Audit"], quiet=True):
        entry["pool"] = pool
    return entry


def uptime(guest):
    return int(time.time() - guest.started) if guest.running else 0


def visible(call, guest):
    return call.acl.check(call.who, f"/vms/{guest.vmid}", ["VM.Audit"], quiet=True)


@method("GET", "/cluster/resources", ANYBODY, protected=False)
def resources(call):
    wanted, cluster = call.values.get("type"), call.cluster
    found = []
    if wanted in (None, "vm"):
        found += [guest_entry(call, guest) for _, guest in sorted(cluster.guests.items(), key=lambda item: str(item[0]))
                  if visible(call, guest)]
    if wanted in (None, "node"):
        found += [node_entry(call, name) for name in cluster.nodes]
    if wanted in (None, "storage"):
        found += [{"id": f"storage/{node}/{name}", "storage": name, "node": node, "type": "storage", "status": "available",
                   "plugintype": storage["type"], "content": storage["content"], "shared": int(storage.get("shared", 0))}
                  for name, storage in cluster.storages.items() for node in cluster.nodes
                  if call.acl.check(call.who, f"/storage/{name}", ["Datastore.Audit"], quiet=True)
                  and node in (storage.get("nodes") or cluster.nodes)]
    return found


def more_of(call, guest):
    """What only one of the two kinds, or one line of PVE, has."""
    nine, pressure = call.cluster.version == 9, {}
    if nine and (guest.running or guest.kind == "lxc"):
        pressure = {f"pressure{what}": 0 for what in ("cpusome", "cpufull", "iosome", "iofull", "memorysome", "memoryfull")}
    if guest.kind == "lxc":
        return {"type": "lxc", "swap": 0, "maxswap": int(guest.options.get("swap", 512)) << 20, "diskread": 0, "diskwrite": 0, **pressure}
    more = {"diskread": 0, "diskwrite": 0} if guest.running else {}
    if "serial0" in guest.options:
        more["serial"] = 1
    return {**more, **({"memhost": 0} if nine else {}), **pressure}


def status_entry(call, guest):
    entry = {"vmid": guest.vmid, "status": guest.status, "name": guest.shown_name, "cpus": int(guest.options.get("cores", 1)),
             "maxmem": int(guest.options.get("memory", 512)) << 20, "uptime": uptime(guest), "cpu": 0, "mem": 0, "disk": 0, "maxdisk": 0,
             "netin": 0, "netout": 0}
    entry.update(more_of(call, guest))
    if guest.template:
        entry["template"] = 1
    if guest.running:
        entry["pid"] = 1000 + guest.vmid
    entry.update({name: guest.options[name] for name in ("lock", "tags") if name in guest.options})
    return entry


def list_guests(call, kind):
    node = call.node()
    return [status_entry(call, guest) for guest in call.cluster.guests.values()
            if guest.kind == kind and guest.node == node and visible(call, guest)]


@method("GET", "/nodes/{node}/qemu", ANYBODY)
def list_qemu(call):
    return list_guests(call, "qemu")


@method("GET", "/nodes/{node}/lxc", ANYBODY)
def list_lxc(call):
    return list_guests(call, "lxc")


@method("GET", "/access/permissions", ANYBODY, protected=False)
def permissions(call):
    subject = call.values.get("userid") or call.who
    if subject != call.who and subject.partition("!")[0] != call.who:
        call.acl.check(call.who, "/access", ["Sys.Audit"])
    path = call.values.get("path")
    return {path: call.acl.privileges(subject, path)} if path else call.acl.effective(subject)


@method("POST", "/access/ticket", WORLD, token=False)
def log_in(call):
    directory = call.cluster.directory
    user = call.values["username"]
    if "@" not in user:
        user += "@" + (call.values.get("realm") or "pam")
    try:
        directory.log_in(user, call.values["password"])
    except Stranger:
        raise ApiError("authentication failure", 401) from None
    return {"username": user, "ticket": directory.make_ticket(user), "CSRFPreventionToken": directory.make_csrf(user),
            "cap": {}}


@method("GET", "/access/ticket", WORLD, protected=False)
def no_ticket(call):
    return None


def refuse_token(uri):
    return denied(f"URI '{uri}' not available with API token, need proper ticket.\n")
