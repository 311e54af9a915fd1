#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile images: small files that become large when they are read. `inspect`, `verify` and `diff` must refuse them, or read them without
storing what they are not asked for. A limit on the size of files, below what the images hold, takes the place of a full machine."""
import os
import resource
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
MIB = 1 << 20
STORED_MAX = 256 * MIB  # of one file, the temporary ones included
BOMB = 1024 * MIB
CLUSTER = 65536


class Repeated:
    def __init__(self, size, words):
        self.left, self.block = size, words * (MIB // len(words))

    def read(self, n=-1):
        n = min(self.left, MIB if n < 0 else n)
        self.left -= n
        return self.block[:n]


def tarball(path, name, size, mode=0o644, words=bytes(1)):
    """A few KiB that unpack to `size` zeros, or other words."""
    with open(path, "wb") as out:
        packer = subprocess.Popen(["zstd", "-q", "-1"], stdin=subprocess.PIPE, stdout=out)
        with tarfile.open(fileobj=packer.stdin, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for parent in reversed(Path(name).parents):
                m = tarfile.TarInfo(f"./{parent}")
                m.type, m.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(m)
            m = tarfile.TarInfo(name)
            m.size, m.mode = size, mode
            tar.addfile(m, Repeated(size, words))
        packer.stdin.close()
        packer.wait()


def deflated(content):
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    return packer.compress(content) + packer.flush()


def qcow2(path, entries, size, tables=1):
    """A disk whose guest clusters are at these places; entries(i, data, plain) gives the L2 entry of cluster i. All L1 entries name one of
    the tables, in turn."""
    data, plain = (3 + tables) * CLUSTER, (4 + tables) * CLUSTER
    per_table = CLUSTER // 8
    clusters = size // CLUSTER
    l1 = -(-clusters // per_table)
    header = struct.pack(">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3, 0, 0, 16, size, 0, l1, CLUSTER, 2 * CLUSTER, 1, 0, 0, 0, 0, 0, 4, 104)
    with open(path, "wb") as out:
        out.write(header)
        out.seek(CLUSTER)
        out.write(struct.pack(f">{l1}Q", *((3 + i % tables) * CLUSTER | 1 << 63 for i in range(l1))))
        for table in range(tables):
            out.seek((3 + table) * CLUSTER)
            first = table * per_table
            out.write(struct.pack(f">{per_table}Q", *(entries(first + i, data, plain) if first + i < clusters else 0 for i in range(per_table))))
        out.seek(data)
        out.write(deflated(b"\xaa" * CLUSTER).ljust(CLUSTER, b"\0"))
        out.write(b"\xbb" * CLUSTER)


def packed(offset):
    return 1 << 62 | offset


SIZE = BOMB  # of the disks
QCOW2 = {
    "one compressed cluster for all": (lambda i, data, plain: packed(data), 2),
    "compressed clusters that overlap": (lambda i, data, plain: packed(data + i % 8), 2),
    "one plain cluster for all": (lambda i, data, plain: plain | 1 << 63, 2),
    "one table for all": (lambda i, data, plain: packed(data) if i == 0 else 0, 1),
}


def limited():
    resource.setrlimit(resource.RLIMIT_FSIZE, (STORED_MAX, STORED_MAX))


def run(*args):
    return subprocess.run([NODEKILN, *map(str, args)], capture_output=True, text=True, preexec_fn=limited, timeout=120)


def result(name, fine, done):
    print(f"ok bombs: {name}" if fine else f"not ok bombs: {name}: exit {done.returncode}: {done.stderr.strip()[-300:]}")
    return fine


def disks(work):
    for name, (entries, tables) in QCOW2.items():
        path = work / "bomb.qcow2"
        qcow2(path, entries, SIZE, tables)
        done = run("inspect", path)
        yield result(f"qcow2, {name}", done.returncode == 3 and "used twice" in done.stderr, done)


def tarballs(work):
    """What is not read is not stored."""
    path, other = work / "bomb.tar.zst", work / "other.tar.zst"
    tarball(path, "./srv/data", BOMB)
    done = run("inspect", path)
    yield result("inspect stores no data", done.returncode == 0, done)
    tarball(other, "./srv/data", BOMB - 1)
    done = run("diff", path, other)
    yield result("diff stores no data", done.returncode == 1 and "~ /srv/data: size" in done.stdout, done)
    tarball(path, "./var/lib/containerd/blob", BOMB)
    done = run("verify", "--json", path)
    yield result("verify stores no blobs", done.returncode == 9, done)
    tarball(path, "./var/lib/dpkg/info/lines.list", 16 * MIB, words=b"/\n")
    done = run("verify", path)
    yield result("verify limits dpkg's lists", done.returncode == 1 and "dpkg's lists" in done.stderr, done)


def main():
    if not shutil.which("zstd"):
        print("skip bombs: zstd is missing")
        return 0
    with tempfile.TemporaryDirectory(prefix="nodekiln-bombs-") as work:
        return 0 if all([*disks(Path(work)), *tarballs(Path(work))]) else 1


sys.exit(main())
