# SPDX-License-Identifier: Apache-2.0
"""Uploads: the recorded traps of the multipart reader, and what storages refuse."""
import functools
import hashlib
import os
import struct

from .raw import Client, Closed, Wire, request
from .selftest import Cases, done, invalid, refused, same
from .volumes import GIB

case = Cases()
cases = case.of
B = "----nodekiln0123456789abcdef"
UPLOAD = "/nodes/pve1/storage/store/upload"
FAILED = {8: "upload failed at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 1317.",
          9: "upload failed at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 1370."}
WRONG_NAME = {8: "wrong field name 'file' for file upload, expected 'filename' at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 1281.",
              9: "wrong field name 'file' for file upload, expected 'filename' at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 1325."}
NOT_QCOW2 = "Image is not in qcow2 format"


def qcow2(size=GIB, backing=0, more=b"x" * 3000):
    """Enough of an image for those who look at its head only."""
    return struct.pack(">4sIQIIQ", b"QFI\xfb", 3, backing, 0, 16, size) + more


def part(name, value):
    return f'--{B}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def head(name="k8s.qcow2", field="filename"):
    return (f'--{B}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n").encode()


END = f"\r\n--{B}--\r\n".encode()


def checksum(data, algorithm="sha256"):
    return part("checksum-algorithm", algorithm) + part("checksum", hashlib.new(algorithm, data).hexdigest())


def fields(data, content="import"):
    return part("content", content) + checksum(data)


def send(world, *pieces, path=UPLOAD, token=None, content_type=f"multipart/form-data; boundary={B}", headers=(), length=None):
    """Each piece of the body as a TLS record of its own, the first with the headers."""
    body = b"".join(pieces)
    lines = [f"Content-Type: {content_type}"] * bool(content_type) + [f"Content-Length: {len(body) if length is None else length}"]
    bytes_ = request("POST", path, token or world.admin.token, headers=[*lines, *headers])
    with Wire(world) as wire:
        wire.send(bytes_ + pieces[0], *pieces[1:])
        return wire.reply()


def finish(world, reply):
    """How the task ends; the last lines of its log."""
    upid = done(reply)
    same(reply.all("Connection"), ["close"], "Connection")
    world.wait(lambda: world.tasks.tasks[upid].exitstatus)
    return world.admin.get(f"/nodes/pve1/tasks/{upid}/status")["exitstatus"]


def ends_with(world, reply, text):
    found = finish(world, reply)
    assert found.endswith(text), f"task ended with {found!r}, wanted {text!r}"


GOOD = {  # name: pieces of the body
    "whole": lambda d: [fields(d) + head() + d + END],
    "without checksum": lambda d: [part("content", "import") + head() + d + END],
    "split inside the file's head": lambda d: [fields(d) + head()[:20], head()[20:] + d + END],
    "split inside a field": lambda d: [fields(d)[:50], fields(d)[50:] + head() + d + END],
    "split in the data": lambda d: [fields(d) + head(), d[:100], d[100:] + END],
    "split inside the closing boundary": lambda d: [fields(d) + head() + d + END[:9], END[9:]],
    "no line break at the end": lambda d: [fields(d) + head() + d + END[:-2]],
    "epilogue": lambda d: [fields(d) + head() + d + END + b"more"],
    "preamble": lambda d: [b"before\r\n" + fields(d) + head() + d + END],
}


def check_good(pieces, world):
    data = qcow2(more=os.urandom(40000) + b"\r\n--" + B[:10].encode())
    same(finish(world, send(world, *pieces(data))), "OK")
    volume = world.volumes.find("store:import/k8s.qcow2", "pve1")
    same((volume.size, open(volume.file, "rb").read() == data), (GIB, True), "size and bytes")
    same(os.listdir(world.directory / "var-tmp"), [])


for _name, _pieces in GOOD.items():
    case.add("upload " + _name, functools.partial(check_good, _pieces))


@case
def boundary_must_not_be_quoted(world):
    data = qcow2()
    quoted = send(world, fields(data) + head() + data + END, content_type=f'multipart/form-data; boundary="{B}"')
    refused(quoted, 500, FAILED[world.version])
    same(finish(world, send(world, fields(data) + head() + data + END,
                            content_type=f"multipart/form-data; boundary={B}; charset=utf-8")), "OK")


@case
def file_part_is_spelled_in_one_way(world):
    data = qcow2()
    good = head()
    for bad in (good.replace(b"Content-Disposition", b"content-disposition"), good.replace(b'"', b""),
                b"--" + B.encode() + b"\r\nContent-Type: application/octet-stream\r\n" + good.split(b"\r\n")[1] + b"\r\n\r\n"):
        refused(send(world, fields(data) + bad + data + END), 500, FAILED[world.version])
    refused(send(world, fields(data) + head(field="file") + data + END), 500, WRONG_NAME[world.version])


@case
def a_read_that_ends_behind_the_filename_corrupts_the_file(world):
    data, first = qcow2(), head().split(b"\r\nContent-Type")[0]
    ends_with(world, send(world, part("content", "import") + first, head()[len(first):] + data + END), NOT_QCOW2)
    data = b"tarball" * 100
    same(finish(world, send(world, part("content", "vztmpl") + head("a.tar.zst").split(b"\r\nContent-Type")[0],
                            b"\r\nContent-Type: x\r\n\r\n" + data + END)), "OK")
    assert open(world.volumes.find("store:vztmpl/a.tar.zst", "pve1").file, "rb").read() == b"\r\nContent-Type: x\r\n\r\n" + data


@case
def order_of_the_fields(world):
    data = qcow2()
    swapped = part("content", "import") + part("checksum", "00") + part("checksum-algorithm", "sha256")
    reply = send(world, swapped + head() + data + END)
    refused(reply, 400, "Bad Request")
    same((reply.body, reply.all("Content-Length")), (b"", []))
    for pieces in ([head() + data + END], [head() + data + b"\r\n" + part("content", "import") + END]):
        invalid(send(world, *pieces), content="property is missing and it is not optional")


@case
def checksums_are_checked_by_the_task(world):
    data = qcow2()
    wrong = part("content", "import") + part("checksum-algorithm", "sha256") + part("checksum", "0" * 64)
    same(finish(world, send(world, wrong + head() + data + END)),
         f"checksum mismatch: got '{hashlib.sha256(data).hexdigest()}' != expect '{'0' * 64}'")
    same(world.volumes.find("store:import/k8s.qcow2", "pve1"), None)
    upper = part("content", "import") + part("checksum-algorithm", "md5") + part("checksum", hashlib.md5(data).hexdigest().upper())
    same(finish(world, send(world, upper + head() + data + END)), "OK")
    alone = send(world, part("content", "import") + part("checksum-algorithm", "md5") + head() + data + END)
    invalid(alone, checksum="missing property required by 'checksum-algorithm'")


@case
def what_is_no_image_is_refused_by_the_task(world):
    for data in (b"", b"nonsense"):
        ends_with(world, send(world, part("content", "import") + head() + data + END), NOT_QCOW2)
    ends_with(world, send(world, fields(qcow2(backing=512)) + head() + qcow2(backing=512) + END), "!")


@case
def content_types(world):
    data = qcow2()
    for content in ("images", "snippets"):
        invalid(send(world, part("content", content) + head() + data + END),
                content=f"value '{content}' does not have a value in the enumeration 'iso, vztmpl, import'")
    refused(send(world, fields(data) + head() + data + END, path=UPLOAD.replace("store", "local")), 500,
            "storage 'local' does not support 'import' content")
    same(len(os.listdir(world.directory / "var-tmp")), 3)  # what fails before the task leaves its file behind
    refused(send(world, fields(data) + head() + data + END, path=UPLOAD.replace("store", "local-lvm")), 500,
            "can't upload to storage type 'lvmthin'")
    refused(send(world, fields(data) + head() + data + END, path=UPLOAD.replace("store", "nope")), 500, "storage 'nope' does not exist")


@case
def names(world):
    data = b"x" * 10
    for content, name, good in (("iso", "a.iso", True), ("iso", "a.IMG", True), ("iso", "a.qcow2", False), ("vztmpl", "a.tar.zst", True),
                                ("vztmpl", "a.tar", world.version == 9), ("vztmpl", "a.tgz", False)):
        reply = send(world, part("content", content) + head(name) + data + END)
        if good:
            same(finish(world, reply), "OK", name)
        else:
            invalid(reply, filename="wrong file extension")
    invalid(send(world, part("content", "import") + head("a.img") + data + END), filename="invalid filename or wrong extension")
    data = qcow2()
    same(finish(world, send(world, fields(data) + head("C:\\x\\ä b.qcow2") + data + END)), "OK")
    assert world.volumes.find("store:import/___b.qcow2", "pve1"), list(world.volumes.known)


@case
def early_8_takes_only_ova(world):
    if world.version == 8:
        world.release = "8.3.0"
        data = qcow2()
        reply = send(world, fields(data) + head() + data + END)
        same((reply.status, reply.json["errors"]), (400, {"filename": "invalid filename or wrong extension"}))
        same(finish(world, send(world, part("content", "import") + head("a.ova") + data + END)), "OK")


@case
def the_same_name_is_overwritten(world):
    for size in (GIB, 2 * GIB):
        data = qcow2(size)
        same(finish(world, send(world, fields(data) + head() + data + END)), "OK")
    same(world.volumes.find("store:import/k8s.qcow2", "pve1").size, 2 * GIB)


@case
def a_full_storage_fails_the_task(world):
    world.cluster.storages["store"]["used"] = world.cluster.storages["store"]["total"]
    data = qcow2()
    ends_with(world, send(world, fields(data) + head() + data + END), "No space left on device")
    same(world.admin.get("/nodes/pve1/storage", storage="store")[0]["avail"], 0)


@case
def no_room_in_var_tmp_ends_it_in_the_middle(world):
    world.cluster.nodes["pve1"]["root-free"] = 1000
    same(world.admin.get("/nodes/pve1/status")["rootfs"]["avail"], 1000)
    data = qcow2()
    refused(send(world, fields(data) + head() + data + END), 500, "write to temporary file failed - No space left on device")


@case
def five_seconds_without_a_byte_end_it(world):
    world.idle, data = 0.8, qcow2()
    try:
        send(world, fields(data) + head() + data, length=100000)
        raise AssertionError("there was an answer")
    except Closed as end:
        assert 0.7 < end.seconds < 4.5
    same(os.listdir(world.directory / "var-tmp"), [])


@case
def expect_is_ignored(world):
    data = qcow2()
    same(finish(world, send(world, fields(data) + head() + data + END, headers=["Expect: 100-continue"])), "OK")


@case
def without_a_body_the_fields_are_missing(world):
    missing = "property is missing and it is not optional"
    with Wire(world) as wire:
        wire.send(request("POST", UPLOAD, world.admin.token))
        invalid(wire.reply(), content=missing, filename=missing)


@case
def another_content_type_is_never_answered(world):
    world.idle = 0.8
    try:
        send(world, b"content=import", content_type="application/x-www-form-urlencoded")
        raise AssertionError("there was an answer")
    except Closed:
        pass


@case
def without_the_right_small_is_403_and_large_is_silence(world):
    small = send(world, fields(b"") + head() + END, token=world.agent.token)
    refused(small, 403, "Permission check failed (/storage/store, Datastore.AllocateTemplate)")
    same((small.body, small.seconds > 0.15), (b"", True))
    world.auth_delay = 1.0
    try:
        send(world, fields(b"") + head(), *[bytes(16000)] * 60, token=world.agent.token)
        raise AssertionError("there was an answer")
    except (Closed, OSError):
        pass


@case
def listing_and_deleting(world):
    data = qcow2()
    finish(world, send(world, fields(data) + head() + data + END))
    found = world.admin.get("/nodes/pve1/storage/store/content", content="import")
    same([(one["volid"], one["format"], one["size"], one["content"]) for one in found],
         [("store:import/k8s.qcow2", "qcow2", len(data), "import")])
    for volume in ("store:import/k8s.qcow2", "store%3Aimport%2Fk8s.qcow2", "import/k8s.qcow2"):
        same(world.admin.get(f"/nodes/pve1/storage/store/content/{volume}")["size"], GIB)
    builder = Client(world, world.add_token("builder@pve", "tok", privsep=0))
    world.add_role("Upload", "Datastore.AllocateTemplate Datastore.AllocateSpace")
    world.grant("/storage/store", "Upload", "builder@pve")
    same(len(builder.get("/nodes/pve1/storage/store/content")), 1)
    same([one["storage"] for one in builder.get("/nodes/pve1/storage")], ["store"])
    refused(builder("DELETE", "/nodes/pve1/storage/store/content/store:import/k8s.qcow2"), 403,
            "Permission check failed (/storage/store, Datastore.Allocate)")
    upid = done(world.admin("DELETE", "/nodes/pve1/storage/store/content/store:import/k8s.qcow2"))
    world.wait(lambda: world.tasks.tasks[upid].exitstatus == "OK")
    same(done(world.admin("DELETE", "/nodes/pve1/storage/store/content/store:import/k8s.qcow2", {"delay": 5})), None)
    same(world.admin.get("/nodes/pve1/storage/store/content"), [])


@case
def storages_of_other_nodes(world):
    world.cluster.storages["store"]["nodes"] = ["pve2"]
    data = qcow2()
    refused(send(world, fields(data) + head() + data + END), 500, "storage 'store' is not available on node 'pve1'")
    one = next(one for one in world.admin.get("/nodes/pve1/storage") if one["storage"] == "store")
    same((one["enabled"], one["active"], one["total"]), (0, 0, 0))
    reply = send(world, fields(data) + head() + data + END, path=UPLOAD.replace("pve1", "pve2"))
    upid = done(reply)
    assert upid.startswith("UPID:pve2:"), upid
    world.wait(lambda: world.tasks.tasks[upid].exitstatus == "OK")
    assert world.volumes.find("store:import/k8s.qcow2", "pve2") and not world.volumes.find("store:import/k8s.qcow2", "pve1")
