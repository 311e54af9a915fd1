# SPDX-License-Identifier: Apache-2.0
"""Permissions: tokens, tickets, access lists, pools, and what is listed."""
import json
import time

from .raw import Client, Wire, request
from .server import FakePve
from .selftest import CONFIG, Cases, done, refused, same

case = Cases()
cases = case.of


@case
def a_guests_token_sees_exactly_its_guest(world):
    found = world.agent.get("/cluster/resources", type="vm")
    same([(guest["id"], guest["vmid"], guest["node"], guest["type"]) for guest in found], [("qemu/101", 101, "pve1", "qemu")])
    same([guest["vmid"] for guest in world.agent.get("/nodes/pve1/qemu")], [101])
    same(world.agent.get("/nodes/pve1/lxc"), [])


@case
def a_reader_sees_the_pool_and_writes_nothing(world):
    same([guest["vmid"] for guest in world.reader.get("/cluster/resources", type="vm")], [101, 102, 200])
    refused(world.reader("PUT", CONFIG, {"description": "x"}), 403, None)
    done(world.reader("GET", CONFIG))
    refused(world.reader("GET", "/nodes/pve1/qemu/900/config"), 403, "Permission check failed (/vms/900, VM.Audit)")


@case
def other_guests_are_refused(world):
    refused(world.agent("GET", "/nodes/pve1/qemu/102/config"), 403, "Permission check failed (/vms/102, VM.Audit)")
    reply = world.agent("PUT", "/nodes/pve1/qemu/102/config", {"tags": "a"})
    refused(reply, 403, "Permission check failed (/vms/102, VM.Config.Disk|VM.Config.CDROM|VM.Config.CPU|VM.Config.Memory|"
                        "VM.Config.Network|VM.Config.HWType|VM.Config.Options|VM.Config.Cloudinit)")
    same(reply.json, {"data": None, "message": reply.reason + "\n"})


@case
def powerless_may_list_but_sees_nothing(world):
    same(world.powerless.get("/cluster/resources", type="vm"), [])
    same(world.powerless.get("/cluster/nextid"), "100")
    done(world.powerless("GET", "/version"))


@case
def tokens_need_what_their_user_has(world):
    world.add_user("weak@pve")
    token = Client(world, world.add_token("weak@pve", "tok"))
    world.grant("/vms/101", "Administrator", "weak@pve!tok")
    refused(token("GET", CONFIG), 403, "Permission check failed (/vms/101, VM.Audit)")
    world.grant("/vms", "Reader", "weak@pve")
    done(token("GET", CONFIG))
    refused(token("PUT", CONFIG, {"tags": "a"}), 403, None)


@case
def effective_permissions(world):
    same(world.agent.get("/access/permissions"), {"/vms/101": {"VM.Audit": 0, "VM.Config.Options": 0}})
    same(world.agent.get("/access/permissions", path="/vms/102"), {"/vms/102": {}})
    same(world.admin.get("/access/permissions", path="/storage/local")["/storage/local"]["Datastore.Allocate"], 1)
    refused(world.agent("GET", "/access/permissions", {"userid": "admin@pve"}), 403, "Permission check failed (/access, Sys.Audit)")


@case
def nearer_entries_replace_farther_ones(world):
    world.grant("/vms", "PVEVMAdmin", "weak@pve")
    world.grant("/vms/101", "Reader", "weak@pve")
    token = Client(world, world.add_token("weak@pve", "tok", privsep=0))
    refused(token("PUT", CONFIG, {"tags": "a"}), 403, None)
    done(token("PUT", "/nodes/pve1/qemu/102/config", {"tags": "a"}))
    world.grant("/vms/102", "PVEVMAdmin", "weak@pve")
    world.grant("/vms/102", "NoAccess", "weak@pve")
    refused(token("GET", "/nodes/pve1/qemu/102/config"), 403, None)


@case
def groups_count_after_users(world):
    world.grant("/vms/900", "PVEVMAdmin", "@k8s-agents")
    world.add_user("other@pve", groups=["k8s-agents"])
    token = Client(world, world.add_token("other@pve", "tok", privsep=0))
    done(token("PUT", "/nodes/pve1/qemu/900/config", {"tags": "a"}))
    world.grant("/vms/900", "Reader", "other@pve")
    refused(token("PUT", "/nodes/pve1/qemu/900/config", {"tags": "b"}), 403, None)


@case
def roles_differ_by_version(world):
    held = world.admin.get("/access/permissions", path="/vms/101")["/vms/101"]
    same(("VM.Monitor" in held, "VM.GuestAgent.Audit" in held), (world.version == 8, world.version == 9))


@case
def expired_disabled_and_deleted_tokens_are_401(world):
    tokens = {"old": world.add_token("agent@pve", "old", expire=int(time.time()) - 1),
              "new": world.add_token("agent@pve", "new", expire=int(time.time()) + 60)}
    same(Client(world, tokens["new"])("GET", "/version").status, 200)
    refused(Client(world, tokens["old"])("GET", "/version"), 401, "Authentication failed!")
    world.invalidate(tokens["new"])
    refused(Client(world, tokens["new"])("GET", "/version"), 401, "Authentication failed!")
    world.cluster.directory.users["agent@pve"]["enable"] = 0
    refused(world.agent("GET", "/version"), 401, "Authentication failed!")


@case
def authorization_header_in_all_its_shapes(world):
    token = world.agent.token
    for value, status in ((f"PVEAPIToken={token}", 200), (f"PVEAPIToken {token}", 200), (f"PVEAPIToken={token};more", 200),
                          (f"PVEAPIToken={token.replace('!', '%21').replace('=', '%3D')}", 200), (f"Basic PVEAPIToken={token}", 200),
                          (f"Bearer {token}", 401), (f"pveapitoken={token}", 401), (f"PVEAPIToken={token} ", 401)):
        with Wire(world) as wire:
            wire.send(request("GET", "/version", headers=["Authorization: " + value]))
            same(wire.reply().status, status, value)


def log_in(world, password):
    body = f"username=admin%40pve&password={password}".encode()
    with Wire(world) as wire:
        wire.send(request("POST", "/access/ticket", body=body))
        return wire.reply()


@case
def tickets_and_csrf(world):
    refused(log_in(world, "wrong"), 401, "authentication failure")
    same(log_in(world, "wrong").json["message"], "authentication failure\n")
    ticket = done(log_in(world, "secret"))
    cookie, csrf = f"Cookie: PVEAuthCookie={ticket['ticket']}", f"CSRFPreventionToken: {ticket['CSRFPreventionToken']}"
    body = json.dumps({"description": "by ticket"}).encode()
    for headers, status, reason in (([cookie], 401, "Permission denied - invalid csrf token"), ([cookie, csrf], 200, "OK"),
                                    ([f"Authorization: PVEAuthCookie={ticket['ticket']}", csrf], 200, "OK")):
        with Wire(world) as wire:
            wire.send(request("PUT", CONFIG, body=body, headers=[*headers, "Content-Type: application/json"]))
            reply = wire.reply()
        same((reply.status, reply.reason), (status, reason))
    done(log_in(world, ticket["ticket"].replace("@", "%40").replace(":", "%3A")))


@case
def some_calls_want_a_ticket(world):
    body = b"username=admin%40pve&password=secret"
    with Wire(world) as wire:
        wire.send(request("POST", "/access/ticket", world.agent.token, body=body))
        done(wire.reply())  # no handler looks at the token there


@case
def missing_things_are_500(world):
    for path, text in (("/nodes/nope/qemu/101/config", "hostname lookup 'nope' failed - failed to get address info for: nope: "
                                                       "Name or service not known"),
                       ("/nodes/pve1/qemu/4242/config", "Configuration file 'nodes/pve1/qemu-server/4242.conf' does not exist"),
                       ("/nodes/pve1/lxc/101/config", "Configuration file 'nodes/pve1/lxc/101.conf' does not exist"),
                       ("/nodes/pve2/qemu/101/config", "Configuration file 'nodes/pve2/qemu-server/101.conf' does not exist")):
        refused(world.admin("GET", path), 500, text)
    done(world.admin("GET", "/nodes/localhost/qemu/101/config"))


@case
def migrated_guests_are_elsewhere(world):
    world.migrate(101, "pve2")
    refused(world.agent("GET", CONFIG), 500, "Configuration file 'nodes/pve1/qemu-server/101.conf' does not exist")
    same(world.agent.get("/cluster/resources", type="vm")[0]["node"], "pve2")
    done(world.agent("GET", CONFIG.replace("pve1", "pve2")))


@case
def next_id(world):
    same(world.admin.get("/cluster/nextid"), "100")
    world.add_vm(100)
    same(world.admin.get("/cluster/nextid"), "103")
    same(world.admin("GET", "/cluster/nextid", {"vmid": 101}).json["errors"], {"vmid": "VM 101 already exists"})
    same(world.admin.get("/cluster/nextid", vmid=300), "300")
    refused(world.admin("GET", "/cluster/nextid", {"vmid": 99}), 400, "Parameter verification failed.")


@case
def fresh_guests_have_no_name_yet(world):
    world.statistics_delay = 60
    found = world.agent.get("/cluster/resources", type="vm")[0]
    same((found["status"], "name" in found, "template" in found), ("unknown", False, False))


@case
def the_pool_is_shown_to_those_who_may_see_it(world):
    same(["pool" in guest for guest in world.reader.get("/cluster/resources", type="vm")], [False] * 3)
    same(world.admin.get("/cluster/resources", type="vm")[0]["pool"], "k8s")


@case
def nodes_have_fingerprints(world):
    found = world.agent.get("/nodes")
    same([node["node"] for node in found], ["pve1", "pve2"])
    same((found[0]["ssl_fingerprint"], "maxcpu" in found[0]), (world.fingerprint, False))
    info = world.agent.get("/nodes/pve1/certificates/info")[0]
    same((info["fingerprint"], "10.0.2.2" in info["san"], info["notbefore"] < time.time() - 80000), (world.fingerprint, True, True))


@case
def the_state_is_a_file(world):
    state = json.loads(json.dumps(world.snapshot()))
    again = FakePve(world.version, state, certificates=world.certificates.directory)
    same(json.loads(json.dumps(again.snapshot())), state)
    with again:
        same(Client(again, world.agent.token).get("/cluster/resources", type="vm")[0]["vmid"], 101)
