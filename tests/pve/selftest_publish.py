# SPDX-License-Identifier: Apache-2.0
"""Making VMs and containers, templates and clones, with just the rights that are known to be enough; tasks."""
import re

from .raw import Client
from .selftest import Cases, done, invalid, refused, same
from .selftest_upload import qcow2

case = Cases()
cases = case.of
QEMU, LXC = "/nodes/pve1/qemu", "/nodes/pve1/lxc"
POOL_RIGHTS = ("VM.Allocate VM.Audit VM.Clone VM.Config.Disk VM.Config.CPU VM.Config.Memory VM.Config.Network VM.Config.HWType "
               "VM.Config.Options VM.Config.CDROM VM.Config.Cloudinit VM.PowerMgmt")
VM = {"vmid": "300", "name": "k8s", "memory": "2048", "cores": "2", "cpu": "host", "net0": "virtio,bridge=vmbr0",
      "scsihw": "virtio-scsi-single", "scsi0": "local-lvm:0,import-from=store:import/k8s.qcow2,discard=on,iothread=1",
      "ide2": "local-lvm:cloudinit", "boot": "order=scsi0", "serial0": "socket", "vga": "serial0", "agent": "enabled=1", "ostype": "l26",
      "ipconfig0": "ip=dhcp", "pool": "k8s"}
CT = {"vmid": "301", "ostemplate": "store:vztmpl/k8s.tar.zst", "hostname": "ct", "rootfs": "local-lvm:4", "unprivileged": "1",
      "features": "nesting=1", "net0": "name=eth0,bridge=vmbr0,ip=dhcp", "memory": "1024", "pool": "k8s"}
NEEDED = (  # a right that the builder has on a path, and what fails without it
    ("/pool/k8s", "VM.Allocate", 403, "Permission check failed"), ("/storage/local-lvm", "Datastore.AllocateSpace", 403, None),
    ("/storage/store", "Datastore.AllocateSpace", 403, None), ("/sdn/zones/localnetwork/vmbr0", "SDN.Use", 403, None),
    ("/pool/k8s", "VM.Config.Disk", 403, "Permission check failed (/vms/300, VM.Config.Disk)"),
    ("/pool/k8s", "VM.Config.CPU", 403, "Permission check failed (/vms/300, VM.Config.CPU)"),
    ("/pool/k8s", "VM.Config.Memory", 403, "Permission check failed (/vms/300, VM.Config.Memory)"),
    ("/pool/k8s", "VM.Config.Network", 403, "Permission check failed (/vms/300, VM.Config.Network)"),
    ("/pool/k8s", "VM.Config.HWType", 403, "Permission check failed (/vms/300, VM.Config.HWType)"),
    ("/pool/k8s", "VM.Config.Options", 403, "Permission check failed (/vms/300, VM.Config.Options)"))


def builder(world, without=()):
    """The least that was proven to be enough, minus (path, privilege) pairs."""
    world.add_user("builder@pve")
    rights = {"/pool/k8s": POOL_RIGHTS, "/sdn/zones/localnetwork/vmbr0": "SDN.Use",
              "/storage/store": "Datastore.AllocateTemplate Datastore.AllocateSpace", "/storage/local-lvm": "Datastore.AllocateSpace"}
    for i, (path, privileges) in enumerate(rights.items()):
        world.add_role(f"Builder{i}", " ".join(p for p in privileges.split() if (path, p) not in without))
        world.grant(path, f"Builder{i}", "builder@pve")
    return Client(world, world.add_token("builder@pve", "tok", privsep=0))


def ready(world, without=()):
    (world.directory / "image").write_bytes(qcow2(3 << 30))
    world.add_file("store:import/k8s.qcow2", world.directory / "image")
    world.add_file("store:vztmpl/k8s.tar.zst")
    return builder(world, without)


def task(world, client, reply):
    upid = done(reply)
    world.wait(lambda: world.tasks.tasks[upid].exitstatus)
    return client.get(f"/nodes/pve1/tasks/{upid}/status")["exitstatus"]


def template(world, client):
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    same(task(world, client, client("POST", QEMU + "/300/template")), "OK")


@case
def a_vm_from_an_image(world):
    client = ready(world)
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    config = client.get(QEMU + "/300/config")
    same(config["scsi0"], "local-lvm:vm-300-disk-0,discard=on,iothread=1,size=3G")
    same(config["ide2"], "local-lvm:vm-300-cloudinit,media=cdrom")
    assert re.fullmatch("uuid=[0-9a-f-]{36}", config["smbios1"]) and re.match("virtio=BC:24:11:", config["net0"]), config
    assert 300 in world.cluster.directory.pools["k8s"].vms and "lock" not in config
    same([one["volid"] for one in world.admin.get("/nodes/pve1/storage/local-lvm/content", vmid=300)],
         ["local-lvm:vm-300-cloudinit", "local-lvm:vm-300-disk-0"])
    same(client.get("/nodes/pve1/qemu/300/cloudinit/dump", type="user").split("\n")[1], "hostname: k8s")


@case
def each_right_of_the_builder_is_needed(world):
    for path, privilege, status, text in NEEDED:
        client = ready(world, [(path, privilege)])
        refused(client("POST", QEMU, VM), status, text)
        assert 300 not in world.cluster.guests


@case
def without_the_pool_a_vm_needs_rights_of_its_own(world):
    client = ready(world)
    refused(client("POST", QEMU, {name: value for name, value in VM.items() if name != "pool"}), 403, "Permission check failed")
    refused(client("POST", QEMU, {**VM, "pool": "nope"}), 403, "Permission check failed (pool 'nope' does not exist)")


@case
def tags_at_creation(world):
    client = ready(world)
    found = task(world, client, client("POST", QEMU, {**VM, "tags": "B;a"}))
    if world.version == 8:
        same((found, world.config(300)["tags"]), ("OK", "B;a"))
    else:
        same(found, "unable to create VM 300 - 403 Permission check failed (/vms/300, VM.Config.Options)")
        same((300 in world.cluster.guests, world.admin.get("/nodes/pve1/storage/local-lvm/content", vmid=300)), (False, []))


@case
def a_vmid_is_taken_once(world):
    client = ready(world)
    refused(client("POST", QEMU, {**VM, "vmid": "102"}), 500, "unable to create VM 102 - VM 102 already exists on node 'pve1'")
    template(world, client)
    refused(client("POST", QEMU + "/300/clone", {"newid": "102", "pool": "k8s"}), 500, "unable to create VM 102: config file already exists")
    refused(client("POST", LXC, {**CT, "vmid": "102"}), 500, "VM 102 already exists on node 'pve1'")


@case
def what_cannot_be_imported(world):
    client = ready(world)
    missing = {**VM, "scsi0": "local-lvm:0,import-from=store:import/none.qcow2"}
    same(task(world, client, client("POST", QEMU, missing)),
         "unable to create VM 300 - cannot import from 'store:import/none.qcow2' - volume 'store:import/none.qcow2' does not exist")
    invalid(client("POST", QEMU, {**VM, "scsi0": "local-lvm:8,import-from=store:import/k8s.qcow2"}),
            scsi0="'import-from' requires special syntax - use <storage ID>:0,import-from=<source>")
    invalid(client("POST", QEMU, {**VM, "scsi0": "store:iso/x.iso"}), scsi0="explicit 'media=cdrom' is required for iso images")
    refused(client("POST", QEMU, {**VM, "scsi0": "/dev/sda"}), 500, "Only root can pass arbitrary filesystem paths.")
    refused(client("POST", QEMU, {**VM, "args": "-x"}), 500, "only root can set 'args' config")
    invalid(client("POST", QEMU, {**VM, "name": "a_b"}), name="invalid format - value does not look like a valid DNS name")
    same((300 in world.cluster.guests, world.admin.get("/nodes/pve1/storage/local-lvm/content", vmid=300)), (False, []))


@case
def a_full_storage_undoes_the_vm(world):
    client = ready(world)
    world.cluster.storages["local-lvm"]["used"] = world.cluster.storages["local-lvm"]["total"]
    found = task(world, client, client("POST", QEMU, VM))
    assert found.startswith("unable to create VM 300 - ") and 300 not in world.cluster.guests, found


@case
def templates(world):
    client = ready(world)
    template(world, client)
    config = world.config(300)
    same((config["template"], config["scsi0"].split(",")[0]), ("1", "local-lvm:base-300-disk-0"))
    refused(client("POST", QEMU + "/300/template"), 500, "you can't convert a template to a template")
    same(task(world, client, client("POST", QEMU + "/300/status/start")), "you can't start a vm if it's a template")
    refused(world.admin("POST", QEMU + "/101/template"), 500, "you can't convert a VM to template if VM is running")


@case
def clones(world):
    client = ready(world)
    template(world, client)
    done(client("PUT", QEMU + "/300/config", {"tags": "a", "description": "d", "smbios1": "uuid=" + "1" * 8 + "-1111-1111-1111-" + "1" * 12
                                              + ",serial=abc"}))
    before = world.config(300)
    same(task(world, client, client("POST", QEMU + "/300/clone", {"newid": "310", "name": "n1", "pool": "k8s"})), "OK")
    new = world.config(310)
    same((new["name"], new["tags"], new["description"], "template" in new), ("n1", "a", "d", False))
    assert new["smbios1"] != before["smbios1"] and "serial=abc" in new["smbios1"] and new["vmgenid"] != before["vmgenid"], new
    assert new["net0"] != before["net0"] and new["ide2"].startswith("local-lvm:vm-310-cloudinit"), new
    refused(client("POST", QEMU + "/300/clone", {"newid": "311", "name": "n2"}), 403, "Permission check failed")
    refused(client("POST", QEMU + "/300/clone", {"newid": "311", "pool": "k8s", "storage": "store"}), 500,
            "parameter 'storage' not allowed for linked clones")
    full = {"newid": "311", "pool": "k8s", "full": "1", "storage": "store", "format": "qcow2"}
    same(task(world, client, client("POST", QEMU + "/300/clone", full)), "OK")
    same(world.config(311)["scsi0"].split(",")[0], "store:311/vm-311-disk-0.qcow2")
    refused(client("POST", QEMU + "/300/clone", {"newid": "312", "pool": "k8s", "target": "pve2"}), 500,
            "can't clone VM to node 'pve2' (VM uses local storage)")
    refused(client("POST", QEMU + "/310/clone", {"newid": "312", "pool": "k8s", "full": "0"}), 500,
            "Linked clone feature is not supported for 'local-lvm:vm-310-disk-0' (scsi0)")


@case
def while_a_clone_is_made_both_are_locked(world):
    client = ready(world)
    template(world, client)
    world.tasks.held.add("qmclone")
    first, second = (done(client("POST", QEMU + "/300/clone", {"newid": newid, "pool": "k8s"})) for newid in ("310", "311"))
    world.wait(lambda: {310, 311} <= set(world.cluster.guests))
    same(world.config(310), {"lock": "clone"})
    world.cluster.lock_seconds = 0.1
    refused(client("PUT", QEMU + "/300/config", {"tags": "x"}), 500, "can't lock file '/var/lock/qemu-server/lock-300.conf' - got timeout")
    same(client.get(f"/nodes/pve1/tasks/{first}/status")["status"], "running")
    world.tasks.held.clear()
    world.wait(lambda: world.tasks.tasks[first].exitstatus == world.tasks.tasks[second].exitstatus == "OK")


@case
def a_base_in_use_is_not_destroyed(world):
    client = ready(world)
    world.grant("/storage/store", "PVEDatastoreAdmin", "builder@pve")
    same(task(world, client, client("POST", QEMU, {**VM, "scsi0": VM["scsi0"].replace("local-lvm:0", "store:0")})), "OK")
    same(task(world, client, client("POST", QEMU + "/300/template")), "OK")
    same(task(world, client, client("POST", QEMU + "/300/clone", {"newid": "310", "pool": "k8s"})), "OK")
    same(world.config(310)["scsi0"].split(",")[0], "store:300/base-300-disk-0.qcow2/310/vm-310-disk-0.qcow2")
    same(task(world, client, client("DELETE", QEMU + "/300")),
         "base volume 'store:300/base-300-disk-0.qcow2' is still in use by linked cloned")
    same(task(world, client, client("DELETE", QEMU + "/310")), "OK")
    same(task(world, client, client("DELETE", QEMU + "/300")), "OK")
    same([volume for volume in world.volumes.known.values() if volume.vmid in (300, 310)], [])


@case
def destroying(world):
    client = ready(world)
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    world.grant("/vms/300", "Reader", "agent@pve!vm101")
    done(client("PUT", QEMU + "/300/config", {"protection": "1"}))
    refused(client("DELETE", QEMU + "/300"), 500, "can't remove VM 300 - protection mode enabled")
    done(client("PUT", QEMU + "/300/config", {"delete": "protection"}))
    same(task(world, client, client("POST", QEMU + "/300/status/start")), "OK")
    refused(client("DELETE", QEMU + "/300"), 500, "VM 300 is running - destroy failed")
    same(task(world, client, client("POST", QEMU + "/300/status/stop")), "OK")
    same(task(world, client, client("DELETE", QEMU + "/300")), "OK")
    assert "/vms/300" not in world.cluster.acl.entries and 300 not in world.cluster.directory.pools["k8s"].vms


@case
def hooks_tell_of_starts_and_stops(world):
    client, seen = ready(world), []
    world.guest_started, world.guest_stopped = (lambda guest: seen.append(f"+{guest.vmid}")), (lambda guest: seen.append(f"-{guest.vmid}"))
    same(task(world, client, client("POST", QEMU + "/102/status/start")), "OK")
    same(task(world, client, client("POST", QEMU + "/102/status/start")), "VM 102 already running")
    same(client.get(QEMU + "/102/status/current")["status"], "running")
    same(task(world, client, client("POST", QEMU + "/102/status/shutdown")), "OK")
    same(seen, ["+102", "-102"])
    refused(world.agent("POST", QEMU + "/101/status/stop"), 403, "Permission check failed (/vms/101, VM.PowerMgmt)")


@case
def what_only_a_start_finds_out(world):
    client = ready(world)
    done(client("PUT", QEMU + "/102/config", {"cicustom": "user=store:snippets/none.yaml"}))
    same(task(world, client, client("POST", QEMU + "/102/status/start")), "volume 'store:snippets/none.yaml' does not exist")
    done(client("PUT", QEMU + "/102/config", {"delete": "cicustom"}))
    world.edit(102, net0="virtio=BC:24:11:00:00:09,bridge=vmbr9")
    same(task(world, client, client("POST", QEMU + "/102/status/start")), "OK" if world.version == 8 else "bridge 'vmbr9' does not exist")


@case
def a_seed_comes_and_goes(world):
    client = ready(world)
    world.add_file("store:iso/seed.iso", size=372 << 10)
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    done(client("PUT", QEMU + "/300/config", {"ide0": "store:iso/seed.iso,media=cdrom"}))
    same((world.config(300)["ide0"], world.config(300)["boot"]), ("store:iso/seed.iso,media=cdrom,size=372K", "order=scsi0;ide0"))
    same(task(world, client, client("POST", QEMU + "/300/status/start")), "OK")
    done(client("PUT", QEMU + "/300/config", {"delete": "ide0"}))  # no hotplug: it stays until the VM stops
    assert "ide0" in world.config(300) and "ide0" not in client.get(QEMU + "/300/config")
    assert "ide0" in client.get(QEMU + "/300/config", current=1)
    done(client("PUT", QEMU + "/300/config", {"ide0": "none,media=cdrom"}))  # but the disc may be taken out
    same(world.config(300)["ide0"], "none,media=cdrom")
    refused(client("PUT", QEMU + "/300/config", {"ide1": "store:iso/none.iso,media=cdrom"}), 500, "volume 'store:iso/none.iso' does not exist")


@case
def disks_that_go_become_unused(world):
    client = ready(world)
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    done(client("PUT", QEMU + "/300/config", {"delete": "scsi0,ide2"}))
    config = world.config(300)
    same((config.get("scsi0"), config.get("ide2"), config["unused0"]), (None, None, "local-lvm:vm-300-disk-0"))
    same([one["volid"] for one in world.admin.get("/nodes/pve1/storage/local-lvm/content", vmid=300)], ["local-lvm:vm-300-disk-0"])
    done(client("PUT", QEMU + "/300/config", {"delete": "unused0"}))
    same(world.admin.get("/nodes/pve1/storage/local-lvm/content", vmid=300), [])


@case
def disks_grow_and_never_shrink(world):
    client = ready(world)
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    resize = QEMU + "/300/resize"
    same(task(world, client, client("PUT", resize, {"disk": "scsi0", "size": "+5G"})), "OK")
    same(world.config(300)["scsi0"], "local-lvm:vm-300-disk-0,discard=on,iothread=1,size=8G")
    same(task(world, client, client("PUT", resize, {"disk": "scsi0", "size": "4G"})), "shrinking disks is not supported")
    same(task(world, client, client("PUT", resize, {"disk": "scsi5", "size": "4G"})), "disk 'scsi5' does not exist")
    refused(client("PUT", resize, {"disk": "scsi0", "size": "4X"}), 400, None)


@case
def a_container_from_a_tarball(world):
    client = ready(world)
    same(task(world, client, client("POST", LXC, CT)), "OK")
    config = client.get(LXC + "/301/config")
    same((config["rootfs"], config["unprivileged"], config["hostname"]), ("local-lvm:vm-301-disk-0,size=4G", 1, "ct"))
    assert "hwaddr=BC:24:11:" in config["net0"], config
    same(done(client("POST", LXC + "/301/template")), None)
    world.wait(lambda: world.cluster.guests[301].template)
    same(task(world, client, client("POST", LXC + "/301/clone", {"newid": "302", "pool": "k8s", "hostname": "c2"})), "OK")
    same(task(world, client, client("POST", LXC + "/302/status/start")), "OK")
    same((world.config(302)["hostname"], world.config(302)["rootfs"].split(",")[0]), ("c2", "local-lvm:vm-302-disk-0"))


@case
def what_containers_are_refused(world):
    client = ready(world)
    refused(client("POST", LXC, {**CT, "features": "nesting=1,keyctl=1"}), 403,
            "Permission check failed (changing feature flags (except nesting) is only allowed for root@pam)")
    refused(client("POST", LXC, {**CT, "dev0": "/dev/kmsg"}), 403,
            "Permission check failed (configuring device passthrough is only allowed for root@pam)")
    refused(client("POST", LXC, {**CT, "ostemplate": "store:iso/x.iso"}), 500,
            "unable to use volume store:iso/x.iso - content type needs to be 'vztmpl'")
    refused(client("POST", LXC, {**CT, "rootfs": "local:4"}), 403, "Permission check failed (/storage/local, Datastore.AllocateSpace)")
    invalid(world.admin("POST", LXC, {**CT, "rootfs": "local:4"}), storage="storage 'local' does not support container directories")
    same(task(world, client, client("POST", LXC, {**CT, "ostemplate": "store:vztmpl/none.tar.zst"})),
         "unable to create CT 301 - volume 'store:vztmpl/none.tar.zst' does not exist")
    unknown = "property is not defined in schema and the schema does not allow additional properties"
    if world.version == 8:
        invalid(client("POST", LXC, {**CT, "env": "A=b"}), env=unknown)
    else:
        same(task(world, client, client("POST", LXC, {**CT, "env": "A=b"})), "OK")


@case
def privileged_containers(world):
    client = ready(world)
    values = {name: value for name, value in CT.items() if name not in ("unprivileged", "features")}
    reply = client("POST", LXC, {**values, "unprivileged": "0"})
    if world.version == 9:
        refused(reply, 403, "Permission check failed (/, Sys.Modify)")
        same(task(world, client, client("POST", LXC, values)), "OK")
        same(world.config(301)["unprivileged"], "1")
    else:
        same(task(world, client, reply), "OK")
        same("unprivileged" in world.config(301), False)


@case
def a_token_for_one_guest(world):
    client = ready(world)
    path = "/access/users/agent@pve/token/vm102"
    refused(client("POST", path), 403, "Permission check failed")
    world.add_role("Managers", "User.Modify")
    world.grant("/access/groups/k8s-agents", "Managers", "builder@pve")
    made = done(client("POST", path, {"privsep": "1", "expire": "4102444800"}))
    same((made["full-tokenid"], made["info"]["expire"]), ("agent@pve!vm102", "4102444800"))
    invalid(client("POST", path), tokenid="Token already exists.")
    refused(client("POST", path.replace("vm102", "t")), 400, None)
    entry = {"path": "/vms/102", "roles": "GuestAgent", "tokens": "agent@pve!vm102"}
    reply = client("PUT", "/access/acl", entry)
    refused(reply, 500, "ACL update failed: 400 Parameter verification failed.")
    assert "Cannot add role 'GuestAgent' with propagation" in reply.json["message"], reply.json
    done(client("PUT", "/access/acl", {**entry, "propagate": "0"}))
    guest = Client(world, f"{made['full-tokenid']}={made['value']}")
    same([one["vmid"] for one in guest.get("/cluster/resources", type="vm")], [102])
    refused(guest("POST", "/access/users/agent@pve/token/another"), 403, "Permission check failed")
    done(client("DELETE", path))
    refused(guest("GET", "/version"), 401, "Authentication failed!")
    same(["agent@pve!vm102" in str(one) for one in world.cluster.acl.entries["/vms/102"].values()], [False])


@case
def handing_out_more_than_one_has(world):
    client = ready(world)
    refused(client("PUT", "/access/acl", {"path": "/vms/102", "roles": "PVEVMAdmin", "tokens": "agent@pve!vm101", "propagate": "0"}), 500,
            "ACL update failed: 400 Parameter verification failed.")
    refused(client("PUT", "/access/acl", {"path": "/vms/900", "roles": "Reader", "tokens": "agent@pve!vm101"}), 403,
            "Permission check failed (/vms/900, Permissions.Modify|VM.Allocate)")
    invalid(world.admin("PUT", "/access/acl", {"path": "/nope", "roles": "Reader", "users": "agent@pve"}), path="invalid ACL path '/nope'")
    refused(world.admin("PUT", "/access/acl", {"path": "/vms", "roles": "Nope", "users": "agent@pve"}), 500,
            "ACL update failed: role 'Nope' does not exist")


@case
def roles_and_their_privileges(world):
    other = {8: "VM.GuestAgent.Audit", 9: "VM.Monitor"}[world.version]
    invalid(world.admin("POST", "/access/roles", {"roleid": "X", "privs": f"VM.Audit,{other}"}), privs=f"invalid privilege '{other}'")
    done(world.admin("POST", "/access/roles", {"roleid": "X", "privs": "VM.Audit"}))
    same([one["privs"] for one in world.agent.get("/access/roles") if one["roleid"] == "X"], ["VM.Audit"])


@case
def users(world):
    done(world.admin("POST", "/access/users", {"userid": "new@pve", "groups": "k8s-agents"}))
    same(world.admin.get("/access/users/new@pve")["groups"], ["k8s-agents"])
    refused(world.admin("POST", "/access/users", {"userid": "new@pve"}), 500, "create user failed: user 'new@pve' already exists")
    refused(world.agent("POST", "/access/users", {"userid": "x@pve"}), 403, "Permission check failed (/access/realm/pve, Realm.AllocateUser)")
    done(world.admin("DELETE", "/access/users/new@pve"))
    refused(world.admin("GET", "/access/users/new@pve"), 500, None)


@case
def pools(world):
    done(world.admin("POST", "/pools", {"poolid": "other"}))
    refused(world.admin("PUT", "/pools", {"poolid": "other", "vms": "101"}), 500,
            "update pools failed: VM 101 belongs already to pool 'k8s' and 'allow-move' is not set")
    done(world.admin("PUT", "/pools", {"poolid": "other", "vms": "900"}))
    same([one["vmid"] for one in world.admin.get("/pools/other")["members"]], [900])
    refused(world.admin("DELETE", "/pools/other"), 500, "delete pool failed: pool 'other' is not empty (contains VM 900)")
    same([one["poolid"] for one in world.admin.get("/pools")], ["k8s", "other"])
    refused(world.agent("GET", "/pools/k8s"), 403, "Permission check failed (/pool/k8s, Pool.Audit)")


@case
def tasks_are_seen_by_their_own(world):
    client = ready(world)
    upid = done(client("POST", QEMU, VM))
    world.wait(lambda: world.tasks.tasks[upid].exitstatus)
    path = f"/nodes/pve1/tasks/{upid}"
    same(client.get(path + "/status")["tokenid"], "tok")
    done(world.admin("GET", path.replace("!", "%21").replace(":", "%3A") + "/status"))
    refused(world.agent("GET", path + "/status"), 403, "Permission check failed (/nodes/pve1, Sys.Audit)")
    invalid(client("GET", path.replace("300", "999") + "/status"), upid="no such task")
    log = client("GET", path + "/log", {"limit": 1}).json
    same((len(log["data"]), log["data"][0]["n"], log["total"]), (1, 1, len(world.tasks.tasks[upid].lines)))
    same(client("GET", path + "/log", {"limit": 0}).json["data"][-1]["t"], "TASK OK")
    same(len(client.get("/nodes/pve1/tasks")), 1)


@case
def tasks_take_time_die_and_are_stopped(world):
    client = ready(world)
    world.tasks.held.add("qmcreate")
    world.tasks.dying.add("qmcreate")
    upid = done(client("POST", QEMU, VM))
    same("exitstatus" in client.get(f"/nodes/pve1/tasks/{upid}/status"), False)
    same(world.config(300), {"lock": "create"})
    refused(client("PUT", QEMU + "/300/config", {"tags": "a"}), 403, None)  # not in the pool yet
    world.tasks.held.clear()
    world.wait(lambda: world.tasks.tasks[upid].exitstatus == "unexpected status")
    world.tasks.seconds = 30
    upid = done(client("POST", QEMU + "/102/status/start"))
    done(client("DELETE", f"/nodes/pve1/tasks/{upid}"))
    world.wait(lambda: world.tasks.tasks[upid].exitstatus == "interrupted by signal")
