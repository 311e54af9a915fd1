#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an overlay has in addition to names, modes and contents gets into both artifacts: holes, file capabilities, ACLs, attributes of users,
hard links. What is hardly meant is named once. The tarball is unpacked as Proxmox VE does it, the disk is read by e2fsprogs."""
import json
import os
import re
import shutil
import struct
import subprocess
import sys

from harness.build_env import NODEKILN, BuildEnv, Check, require_root, work_directory
from harness.container import DECOMPRESS, TAR

MIB = 1 << 20
SPARSE = 1024 * MIB
NET_RAW = b"\x01\x00\x00\x02" + struct.pack("<IIII", 1 << 13, 0, 0, 0)  # revision 2, effective; permitted, inheritable


def acl(user, permissions):
    """user::rw- user:N:... group::r-- mask::rwx other::r--; linux/posix_acl_xattr.h"""
    none = 0xFFFFFFFF
    entries = [(1, 6, none), (2, permissions, user), (4, 4, none), (0x10, 7, none), (0x20, 4, none)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


ATTRIBUTES = {
    "srv/ping": {"security.capability": NET_RAW},
    "srv/shared": {"system.posix_acl_access": acl(1000, 6)},
    "srv/inbox": {"system.posix_acl_default": acl(1001, 7)},
    "srv/noted": {"user.note": b"kept\0too"},
}


def fill(overlay):
    srv = overlay / "srv"
    (srv / "inbox").mkdir(parents=True)
    for name in ("ping", "shared", "noted", "suid", "open"):
        (srv / name).write_text(f"{name}\n")
        (srv / name).chmod(0o755)
    with open(srv / "sparse", "wb") as file:
        file.truncate(SPARSE)
        for at in (5 * MIB + 1, 512 * MIB, SPARSE - 1):
            file.seek(at)
            file.write(b"x")
    with open(srv / "hole", "wb") as file:
        file.truncate(64 * MIB)
    for path, attributes in ATTRIBUTES.items():
        for name, value in attributes.items():
            os.setxattr(overlay / path, name, value)
    (srv / "inbox/letter").write_text("made in a directory with a default ACL\n")
    os.removexattr(srv / "inbox/letter", "system.posix_acl_access")
    os.link(srv / "ping", overlay / "etc/ping")
    os.link(srv / "ping", srv / "inbox/ping")
    (srv / "suid").chmod(0o4755)
    (srv / "open").chmod(0o666)
    (srv / "outside").symlink_to("../../../elsewhere")
    (srv / "host").symlink_to("/home/someuser/file")
    (srv / "inside").symlink_to("../etc/ping")


def named(said):
    want = {"srv/suid": "set-user-ID", "etc/ping, srv/inbox/ping, srv/ping": "file capabilities", "srv/open": "every user may write",
            "srv/host -> /home/someuser/file, srv/outside -> ../../../elsewhere": "no guest has"}
    lines = re.findall(r"^warning: overlay '\S*/overlay': (.*?) \((.*)\)$", said, re.M)
    found = dict(lines)
    problems = [] if len(lines) == len(found) == len(want) else [f"{len(lines)} warnings: {lines}"]
    return problems + [f"{path}: {found.get(path)}" for path, text in want.items() if text not in found.get(path, "")]


def content(path):
    with open(path, "rb") as file:
        read = {}
        for at in (0, 5 * MIB + 1, 512 * MIB, SPARSE - 1):
            file.seek(at)
            read[at] = file.read(1)
        return read


def unpacked(kiln, root):
    root.mkdir()
    with open(kiln.out / "small.tar.zst", "rb") as archive:
        subprocess.run([*TAR[:3], *DECOMPRESS[".zst"], *TAR[3:], "-C", root], stdin=archive, check=True, stderr=subprocess.DEVNULL)
    problems = [f"{path}: {name} is missing or another" for path, attributes in ATTRIBUTES.items() for name, value in attributes.items()
                if attribute(root / path, name) != value]
    sparse, hole = os.stat(root / "srv/sparse"), os.stat(root / "srv/hole")
    if sparse.st_size != SPARSE or sparse.st_blocks * 512 > MIB or hole.st_size != 64 * MIB or hole.st_blocks * 512 > MIB:
        problems.append(f"sparse: {sparse.st_size} bytes in {sparse.st_blocks} sectors; hole: {hole.st_size} in {hole.st_blocks}")
    if content(root / "srv/sparse") != {0: b"\0", 5 * MIB + 1: b"x", 512 * MIB: b"x", SPARSE - 1: b"x"}:
        problems.append("the sparse file's content differs")
    if len({os.stat(root / p).st_ino for p in ("srv/ping", "etc/ping", "srv/inbox/ping")}) != 1:
        problems.append("hard links are lost")
    if attribute(root / "srv/inbox/letter", "system.posix_acl_access"):
        problems.append("a file inherited its directory's default ACL")
    modes = {p: os.stat(root / p).st_mode & 0o7777 for p in ("srv/suid", "srv/open")}
    return problems + ([] if modes == {"srv/suid": 0o4755, "srv/open": 0o644} else [f"modes: {modes}"])


def attribute(path, name):
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError:
        return None


def on_disk(kiln, raw):
    subprocess.run(["qemu-img", "convert", "-O", "raw", kiln.out / "small.qcow2", raw], check=True)
    inspected = json.loads(subprocess.run([NODEKILN, "inspect", "--json", raw], check=True, capture_output=True).stdout)
    start = next(p["start"] for p in inspected["partitions"] if p.get("filesystem") == "ext4")

    def debugfs(command):
        return subprocess.run(["debugfs", "-R", command, f"{raw}?offset={start}"], capture_output=True, text=True, errors="replace").stdout

    problems = []
    for path in ("srv/sparse", "srv/hole"):
        blocks = re.search(r"Blockcount: (\d+)", debugfs(f"stat /{path}"))
        if not blocks or int(blocks[1]) * 512 > MIB:
            problems.append(f"{path}: {blocks and blocks[1]} sectors on the disk")
    for path, attributes in ATTRIBUTES.items():
        listed = debugfs(f"ea_list /{path}")
        problems += [f"{path}: no {name} on the disk" for name in attributes if name not in listed]
    if "Links: 3" not in debugfs("stat /srv/ping"):
        problems.append("hard links are lost on the disk")
    return problems


def verified(kiln):
    """Rights are findings; everything else passes."""
    done = kiln.run(kiln.argv("verify", "--json", *(kiln.out / f"small{s}" for s in (".qcow2", ".tar.zst"))))
    found = {(f["kind"], f["path"]) for f in findings(done.stdout) if str(f.get("path", "")).startswith(("/srv", "/etc/ping"))}
    want = {("setuid", "/srv/suid"), ("capability", "/srv/ping"), ("capability", "/etc/ping"), ("capability", "/srv/inbox/ping")}
    return [] if found == want else [f"findings: {sorted(found)}"]


def findings(text):
    answer = json.loads(text)
    return [f for file in answer["files"] for f in file["findings"]]


def main():
    require_root()
    check, directory = Check(), work_directory()
    try:
        kiln = BuildEnv(directory / "kiln")
        fill(kiln.overlay)
        done = kiln.build()
        check("an overlay with more than files builds", [] if done.returncode == 0 else [done.stderr.strip()[-400:]])
        if check.failed:
            return 1
        check("what is odd in an overlay is named once", named(done.stderr))
        check("the tarball has what the overlay has", unpacked(kiln, directory / "root"))
        check("the disk has what the overlay has", on_disk(kiln, directory / "small.raw"))
        check("verify reads both", verified(kiln))
        before = kiln.outputs()
        again = kiln.build()
        check("without a change, nothing is made", [] if again.returncode == 0 and kiln.outputs() == before else ["made again"])
        os.removexattr(kiln.overlay / "srv/ping", "security.capability")
        changed = kiln.build()
        check("a changed attribute is a change", [] if changed.returncode == 0 and kiln.outputs() != before else ["not made again"])
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
