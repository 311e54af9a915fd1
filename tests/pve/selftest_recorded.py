# SPDX-License-Identifier: Apache-2.0
"""What real servers (8.4.21 and 9.2.11) answered, word for word, to what nodekiln sends: recorded.json, a session for each. The fake is
sent the same, and its answers must be the same, except for what is random or counted. "pve1" replaces the name of the recorded node, 9000 the
number of its template.
"""
import json
import re
from pathlib import Path

from .raw import Client
from .selftest import Cases, done, invalid, refused, same
from .selftest_publish import LXC, QEMU, VM, ready, task, template
from .selftest_upload import qcow2

case = Cases()
cases = case.of
FORM = "Content-Type: application/x-www-form-urlencoded"
RECORDED = [json.loads(line.strip().rstrip(",")) for line in (Path(__file__).parent / "recorded.json").read_text().split("\n")
            if line.startswith(" ")]
VARIABLE = ((r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "UUID"), (r"^([0-9A-F]{2}:){31}[0-9A-F]{2}$", "FINGERPRINT"),
            (r"BC(:[0-9A-F]{2}){5}", "MAC"), (r"^[0-9a-f]{40}$", "DIGEST"),
            (r"creation-qemu=[\d.]+,ctime=\d+", "META"), (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "DATE"),
            (r"^UPID:(\w+):[0-9A-F:]+:(\w+):(\w*):(.*)$", r"UPID:\1:\2:\3:\4"), (r"^[0-9a-f]{16}$", "REPOID"), (r"^\d\.\d\.\d+$", "RELEASE"))


def normal(value):
    """Without what differs from run to run, and without order: sets of words, entries of lists."""
    if isinstance(value, dict):
        return {key: normal(one) for key, one in value.items()}
    if isinstance(value, list):
        return sorted((normal(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    if isinstance(value, str):
        for pattern, word in VARIABLE:
            value = re.sub(pattern, word, value)
        return sorted(value.split(",")) if re.fullmatch(r"[\w.]+(,[\w.]+)+", value) else value
    return type(value).__name__ if isinstance(value, float) or value and value > 1000 else value


def stage(world):
    """The world of the recorded sessions, with the roles that `nodekiln roles` prints."""
    world.cluster.guests.clear()
    world.cluster.storages.clear()
    world.add_storage("local", "iso,vztmpl,backup,import", used=1 << 20)
    world.add_storage("disks", "images,rootdir", used=1 << 20)
    for name in ("other", "pve2"):
        world.cluster.nodes.pop(name, None)
    for name in ("ctl8_ct1_c3e700245712", "ctl9_ct1_8a09949b10d4"):
        world.add_file(f"local:vztmpl/nodekiln_{name}.tar.zst")
    world.add_user("nodekiln@pve")
    world.add_user("nodekiln-agent@pve", groups=["nodekiln-agents"])
    roles = {
        "/storage/local": ("NodekilnUploads", "Datastore.AllocateSpace Datastore.AllocateTemplate"),
        "/storage/disks": ("NodekilnDisks", "Datastore.AllocateSpace"),
        "/sdn/zones/localnetwork/vmbr0": ("NodekilnBridge", "SDN.Use"), "/access/groups/nodekiln-agents": ("NodekilnAgents", "User.Modify"),
        "/pool/k8s": ("NodekilnGuests", "VM.Allocate VM.Audit VM.Clone VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk "
                                        "VM.Config.HWType VM.Config.Memory VM.Config.Network VM.Config.Options VM.PowerMgmt"),
    }
    for path, (role, privileges) in roles.items():
        world.add_role(role, privileges)
        world.grant(path, role, "nodekiln@pve")
    world.add_role("NodekilnPool", "Pool.Allocate")
    world.grant("/pool/k8s", "NodekilnPool", "nodekiln@pve")
    world.add_role("NodekilnAgent", "VM.Audit VM.Config.Options")
    world.add_role("NodekilnPeer", "VM.Audit")
    world.grant("/pool/k8s", "NodekilnAgent", "nodekiln-agent@pve")
    return Client(world, world.add_token("nodekiln@pve", "ci", privsep=0))


def only(recorded, found):
    """Roles that the tests' world has in addition do not count, nor storage counters."""
    if isinstance(recorded, list) and recorded and "roleid" in recorded[0]:
        known = {one["roleid"] for one in recorded}
        return [one for one in found if one["roleid"] in known]
    return found


@case
def sessions(world):
    client, pool = stage(world), world.cluster.directory.pools["k8s"].vms
    for one in [one for one in RECORDED if one["version"] == world.version]:
        verb, path = one["request"].split(" ", 1)
        hidden = one["answer"].startswith("403 Permission check failed (/vms/9002") and 9002 in pool
        pool.discard(9002) if hidden else None
        if one["request"] == "POST /nodes/pve1/qemu":  # what was uploaded before
            (world.directory / "image").write_bytes(qcow2(2 << 30))
            world.add_file("local:import/small-20261127-8ae25349882b.qcow2", world.directory / "image")
        if "/content/" in path:
            world.grant("/storage/local", "PVEDatastoreAdmin", "nodekiln@pve")
        form = {"body": re.sub("&digest=[0-9a-f]+", "", one["body"]).encode(), "headers": [FORM]} if one["body"] else {}
        reply = client(verb, path, **form)
        same(f"{reply.status} {reply.reason}", one["answer"], one["request"])
        if "data" in one["reply"] and one["reply"]["data"] is not None:
            same(normal(only(one["reply"]["data"], reply.data)), normal(one["reply"]["data"]), one["request"])
        elif reply.status == 400:
            same(reply.json, one["reply"], one["request"])
        world.wait(lambda: all(task.exitstatus for task in world.tasks.tasks.values()))
        pool.add(9002) if hidden else None


# ---- what is known in addition ----

@case
def values_of_options(world):
    client = ready(world)
    for values, errors in (({"memory": "12"}, {"memory": "invalid format - format error\nmemory.current: value must have a minimum value of 16"}),
                           ({"cpu": "nonsense"}, {"cpu": "invalid format - Built-in cputype 'nonsense' is not defined (missing 'custom-' prefix?)"}),
                           ({"net0": "virtio,bridge="}, {"net0": "invalid format - missing key in comma-separated list property"})):
        invalid(client("POST", QEMU, {**VM, **values}), **errors)
        invalid(world.admin("PUT", QEMU + "/102/config", values), **errors)
    for values in ({"memory": "current=64"}, {"cpu": "cputype=host,flags=+aes"}, {"cpu": "x86-64-v2-AES"}, {"cpu": "custom-mine"},
                   {"net0": "virtio=BC:24:11:00:00:09,bridge=vmbr0,mtu=1,tag=20"}, {"net0": "model=e1000,bridge=vmbr0"}):
        done(world.admin("PUT", QEMU + "/102/config", values))


@case
def nodes_and_tasks_that_are_not_there(world):
    client = ready(world)
    template(world, client)
    refused(client("POST", QEMU + "/300/clone", {"newid": "310", "pool": "k8s", "target": "nonode"}), 500, "no such cluster node 'nonode'")
    invalid(client("GET", "/nodes/pve1/tasks/UPID:x/status"), upid="unable to parse worker upid")
    invalid(client("GET", "/nodes/pve1/tasks/UPID:x/log"), upid="unable to parse worker upid")


@case
def lists_of_guests(world):
    """What the two kinds have, on and off, as 8 and as 9."""
    nine = world.version == 9
    on, off = world.admin.get(QEMU)[:2]
    container, = world.admin.get(LXC)
    same((on["serial"], "diskread" in on, "diskread" in off, "serial" in off), (1, True, False, False))
    same(("memhost" in off, "pressurecpusome" in on, "pressurecpusome" in off), (nine, nine, False))
    same((container["type"], "swap" in container, container["maxswap"], "pressureiofull" in container), ("lxc", True, 512 << 20, nine))


@case
def a_hidden_guest_has_its_number(world):
    """403 on its configuration is the same as that of one that is gone; nextid differs."""
    refused(world.reader("GET", QEMU + "/900/config"), 403, "Permission check failed (/vms/900, VM.Audit)")
    refused(world.reader("GET", QEMU + "/901/config"), 403, "Permission check failed (/vms/901, VM.Audit)")
    invalid(world.reader("GET", "/cluster/nextid", {"vmid": "900"}), vmid="VM 900 already exists")
    same(world.reader.get("/cluster/nextid", vmid=901), "901")


@case
def a_containers_card(world):
    client = ready(world)
    values = {"vmid": "301", "ostemplate": "store:vztmpl/k8s.tar.zst", "rootfs": "local-lvm:4", "pool": "k8s", "unprivileged": "1",
              "net0": "name=eth0,ip=dhcp,bridge=vmbr0"}
    same(task(world, client, client("POST", LXC, values)), "OK")
    assert re.fullmatch(r"name=eth0,bridge=vmbr0,hwaddr=BC(:[0-9A-F]{2}){5},ip=dhcp,type=veth", client.get(LXC + "/301/config")["net0"])
