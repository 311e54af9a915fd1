# SPDX-License-Identifier: Apache-2.0
"""The HTTP layer: recorded answers, connections that stay and end, delays, faults."""
import functools
import gzip
import hashlib
import json
import ssl
from pathlib import Path

from . import app
from .raw import Closed, Wire, request
from .server import FakePve
from .selftest import CONFIG, Cases, done, refused, same

case = Cases()
cases = case.of
QUIRKS = json.loads((Path(__file__).parent / "quirks.json").read_text())
PREAMBLE = "Host: pve.test"


def quirk_bytes(world, quirk):
    body = quirk.get("body", "").encode()
    length = quirk.get("length", len(body))
    lines = [quirk["request"], PREAMBLE, f"Authorization: PVEAPIToken={world.admin.token}", *quirk.get("headers", ())]
    return "\r\n".join([*lines, *([f"Content-Length: {length}"] if length else []), "", ""]).encode() + body + bytes(length - len(body))


def check_quirk(quirk, world):
    with Wire(world) as wire:
        wire.send(quirk_bytes(world, quirk))
        reply = wire.reply()
    words = {"{json_line}": str(app.JSON_LINE[world.version])}
    fill = functools.partial(functools.reduce, lambda text, word: text.replace(word, words[word]), words)
    status, _, reason = quirk["answer"].partition(" ")
    same(reply.status, int(status), f"{reply.reason} {reply.body!r}: status")
    if reason:
        same(reply.reason, fill(reason))
    same(reply.all("Connection"), quirk.get("connection", ["close"]), "Connection")
    same(reply.all("Content-Length"), [str(len(reply.body))] if reply.body else [], "Content-Length")
    if "text" in quirk:
        same(reply.body.decode(), fill(quirk["text"]), "body")
    if "json" in quirk:
        same(reply.json, quirk["json"], "body")
    if "errors" in quirk:
        same(reply.json["errors"], quirk["errors"])
    for name, value in quirk.get("then", {}).items():
        same(world.config(101)[name], value, name)


for _quirk in QUIRKS:
    case.add(_quirk["name"], functools.partial(check_quirk, _quirk))


@case
def keeps_100_requests_a_connection(world):
    with Wire(world) as wire:
        for i in range(100):
            wire.send(request("GET", "/cluster/nextid", world.admin.token))
            same(wire.reply().all("Connection"), ["Keep-Alive"] if i < 99 else ["close"], f"request {i + 1}")
        wire.closed()


@case
def client_may_close(world):
    with Wire(world) as wire:
        wire.send(request("GET", CONFIG, world.admin.token, headers=["Connection: Close"]))
        same(wire.reply().all("Connection"), ["close"])
        wire.closed()


@case
def http_1_0_closes(world):
    with Wire(world) as wire:
        wire.send(request("GET", CONFIG, world.admin.token).replace(b"HTTP/1.1", b"HTTP/1.0"))
        same(wire.reply().all("Connection"), ["close"])


@case
def idle_connection_is_closed(world):
    same(world.idle, 5.0)
    world.idle = 0.8
    with Wire(world) as between, Wire(world) as amid:
        between.send(request("GET", "/version", world.admin.token))
        between.reply()
        amid.send(request("PUT", CONFIG, world.admin.token, {"tags": "abcdef"})[:-3])
        assert 0.7 < between.closed() < 4.5 and 0.7 < amid.closed() < 4.5


@case
def answers_in_time_are_not_idle(world):
    world.idle = 0.8
    world.faults.add("hang", seconds=1.6, path="/version")
    done(world.admin("GET", "/version"))


@case
def headers_have_limits(world):
    """64 lines with the empty one, 8 KiB: beyond, no answer until the connection is idle."""
    world.idle = 0.8
    for headers, good in ((["A: b"] * 60, True), (["A: b"] * 63, False), (["A: " + "b" * 7000], True), (["A: " + "b" * 8200], False)):
        with Wire(world) as wire:
            wire.send(request("GET", "/version", world.admin.token, headers=headers))
            try:
                same(wire.reply().status == 200, good, f"{len(headers)} headers")
            except Closed as end:
                assert not good and end.seconds > 0.7


@case
def headers_may_be_folded(world):
    with Wire(world) as wire:
        wire.send(request("GET", "/version", None, headers=[f"Authorization:\r\n PVEAPIToken={world.admin.token}"]))
        done(wire.reply())


@case
def plain_http_is_redirected(world):
    for method, status, reason in (("GET", 301, "Moved Permanently"), ("PUT", 308, "Permanent Redirect")):
        with Wire(world, tls=False) as wire:
            wire.send(f"{method} /api2/json/version?a=b HTTP/1.1\r\nHost: pve.test:8006\r\n\r\n".encode())
            reply = wire.reply()
            same((reply.status, reply.reason, reply.body.decode()), (status, reason, reason))
            same(reply.all("Connection") + reply.all("Location"), ["Keep-Alive", "https://pve.test:8006/api2/json/version?a=b"])
            wire.closed()


@case
def proxied_answers_have_both_connection_headers(world):
    same(world.admin("GET", "/version").all("Connection"), ["Keep-Alive"])
    same(world.admin("GET", CONFIG).all("Connection"), ["Keep-Alive"])
    same(world.admin("GET", "/nodes/pve1/qemu").all("Connection"), ["close", "Keep-Alive"])
    world.migrate(101, "pve2")
    same(world.admin("GET", CONFIG.replace("pve1", "pve2")).all("Connection"), ["close", "Keep-Alive"])


@case
def large_answers_are_compressed_when_asked(world):
    world.edit(101, description="x" * 2000)
    plain, packed = (world.admin("GET", CONFIG, headers=headers) for headers in ([], ["Accept-Encoding: gzip, deflate"]))
    same(plain.all("Content-Encoding") + packed.all("Content-Encoding"), ["gzip"])
    same(json.loads(gzip.decompress(packed.body)), plain.json)
    same(world.admin("GET", "/version", headers=["Accept-Encoding: gzip"]).all("Content-Encoding"), [])


@case
def every_401_is_late_and_empty(world):
    for headers, reason in (([], "No ticket"), (["Authorization: Bearer x"], "No ticket"), (["Authorization: pveapitoken=x"], "No ticket"),
                            (["Authorization: PVEAPIToken=agent@pve!vm101=bad"], "Authentication failed!"),
                            (["Authorization: PVEAPIToken=agent@pve!vm101"], "Authentication failed!"),
                            (["Cookie: PVEAuthCookie=PVE:admin@pve:00000000::x"], "Authentication failed!")):
        with Wire(world) as wire:
            wire.send(request("GET", "/version", headers=headers))
            reply = wire.reply()
        refused(reply, 401, reason)
        same((reply.body, reply.all("Content-Length"), reply.seconds > 0.15), (b"", [], True), reason)


@case
def the_delay_is_three_seconds(world):
    world.auth_delay = FakePve(world.version, certificates=world.certificates.directory).auth_delay
    with Wire(world) as wire:
        wire.send(request("GET", "/version", "agent@pve!vm101=bad"))
        assert 2.9 < wire.reply().seconds < 4.5


@case
def a_403_of_a_method_is_not_late(world):
    world.auth_delay = 5
    assert world.powerless("GET", CONFIG).seconds < 3


@case
def early_8_has_no_message_in_the_body(world):
    if world.version == 8:
        world.release = "8.3.5"
        reply = world.admin("GET", "/nodes/pve1/qemu/4242/config")
        same((reply.json, reply.reason), ({"data": None}, "Configuration file 'nodes/pve1/qemu-server/4242.conf' does not exist"))
        same(world.admin.get("/version")["release"], "8.3")


@case
def tls_is_verified_by_ca_and_by_leaf(world):
    with Wire(world) as wire:
        der = wire.sock.getpeercert(binary_form=True)
        names = wire.sock.getpeercert()["subjectAltName"]
    same(world.fingerprint.replace(":", ""), hashlib.sha256(der).hexdigest().upper())
    for name in (("DNS", "localhost"), ("IP Address", "10.0.2.2"), ("IP Address", "127.0.0.1"), ("DNS", "pve.test")):
        assert name in names, f"{name} is not in {names}"
    ca = ssl.create_default_context(cafile=world.ca).get_ca_certs()[0]
    same(dict(item[0] for item in ca["subject"])["organizationName"], "PVE Cluster Manager CA")


@case
def faults_answer_595_596_and_lock_timeouts(world):
    for status, reason in ((595, "Connection refused"), (596, "Connection timed out"), (500, "got lock request timeout")):
        world.faults.answer(status, reason, path="/config$", times=2)
        for _ in range(2):
            reply = world.admin("PUT", CONFIG, {"description": str(status)})
            refused(reply, status, reason)
        same(world.config(101).get("description"), None)
    world.faults.answer(596, path="/config$", carry_out=True)
    refused(world.admin("PUT", CONFIG, {"description": "done"}), 596, "Connection timed out")
    same(world.config(101)["description"], "done")
    done(world.admin("GET", CONFIG))


@case
def faults_cut_connections(world):
    for carry_out in (False, True):
        world.faults.add("cut", method="PUT", carry_out=carry_out)
        try:
            world.admin("PUT", CONFIG, {"description": "cut"})
            raise AssertionError("there was an answer")
        except Closed:
            pass
        same(world.config(101).get("description"), "cut" if carry_out else None)
    same([entry.status for entry in world.journal.find("PUT")], [0, 0])


@case
def goes_down_and_comes_up_on_the_same_port(world):
    port = world.port
    with Wire(world) as wire:
        world.down()
        wire.closed()
        try:
            Wire(world)
            raise AssertionError("a server listens")
        except ConnectionError:
            pass
    world.up()
    same(world.port, port)
    done(world.admin("GET", "/version"))


@case
def the_journal_remembers(world):
    world.agent("PUT", CONFIG, {"tags": "a;b"})
    world.agent("GET", "/cluster/resources", {"type": "vm"})
    entry = world.journal.wait_for("PUT", CONFIG, status=200)[0]
    same((entry.who, entry.values), ("agent@pve!vm101", {"tags": "a;b"}))
    same([entry.values for entry in world.journal.find("GET")], [{"type": "vm"}])


@case
def a_renewed_leaf_has_the_same_ca(world):
    own = FakePve(world.version)
    with own:
        first = own.fingerprint
        own.renew_certificate()
        assert own.fingerprint != first
        own.add_token("u@pve", "tok")
        with Wire(own) as wire:
            wire.send(request("GET", "/version"))
