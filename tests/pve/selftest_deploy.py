# SPDX-License-Identifier: Apache-2.0
"""What deploying needs in addition to VMs: containers, tokens for guests, access lists, pools, and tasks."""
from .raw import Client
from .selftest import Cases, done, invalid, refused, same
from .selftest_publish import CT, LXC, QEMU, VM, ready, task

case = Cases()
cases = case.of


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
def access_lists_of_a_deleted_token(world):
    """They stay in user.cfg until it is written again, and every command warns of them; unless they are removed before."""
    path, entry = "/access/users/agent@pve/token/", {"path": "/vms/102", "roles": "GuestAgent", "propagate": "0"}
    for number, keep in enumerate((True, False)):
        token = f"agent@pve!t{number}x"
        done(world.admin("POST", f"{path}t{number}x", {"privsep": "1", "expire": "4102444800"}))
        same(world.admin.get(f"{path}t{number}x"), {"privsep": 1, "expire": 4102444800})  # numbers, here
        done(world.admin("PUT", "/access/acl", {**entry, "tokens": token}))
        if not keep:
            done(world.admin("PUT", "/access/acl", {**entry, "tokens": token, "delete": "1"}))
        done(world.admin("DELETE", f"{path}t{number}x"))
        same(world.cluster.acl.warnings(), [f"user config - ignore invalid acl token '{token}'"] if keep else [])
        same([one for one in world.admin.get("/access/acl") if one["ugid"] == token], [])
        done(world.admin("POST", f"{path}other{number}", {"privsep": "1"}))
        same(world.cluster.acl.warnings(), [])


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
