#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The disk of a small image, before the eyes of other people's tools: qemu-img, e2fsck, fsck.vfat, and GRUB's own grub-bios-setup on a
loop device."""
import json
import shutil
import subprocess
import sys
from pathlib import Path

from harness.build_env import BuildEnv, Check, host_state, left_behind, require_root, work_directory

MIB = 1 << 20
BIOS, ESP, ROOT = 14, 15, 1
MBR_CODE = 440  # what of the first sector is code; the table's part stays
GRUB_SETUP = "/usr/lib/grub/i386-pc/grub-bios-setup"


def problems_of(*argv, expect=0):
    done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    return [] if done.returncode == expect else [f"{argv[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-400:]}"]


def must(*argv):
    return subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, check=True, capture_output=True, text=True).stdout


def inspect(kiln, path):
    done = kiln.run(kiln.argv("inspect", "--json", path))
    if done.returncode != 0:
        raise SystemExit(f"not ok disk: inspect: {done.stderr}")
    found = json.loads(done.stdout)
    return found, {p["number"]: p for p in found["partitions"]}


def cut_out(raw, partition, target):
    must("dd", f"if={raw}", f"of={target}", "bs=1M", f"skip={partition['start'] // MIB}", f"count={partition['size'] // MIB}",
         "conv=sparse")
    return target


def without_boot_code(raw, copy, partition):
    """A copy of the disk's start that a BIOS cannot boot, for GRUB to repair."""
    must("cp", "--sparse=always", raw, copy)
    with open(copy, "r+b") as f:
        f.write(bytes(MBR_CODE))
        f.seek(partition["start"])
        f.write(bytes(partition["size"]))


def set_up_by_grub(raw, copy, start, mountpoint):
    """Runs in a mount namespace of its own; the loop devices vanish with their last user."""
    mounts = Path(mountpoint)
    must("mount", "-o", f"loop,ro,offset={start}", raw, mounts)
    must("mount", "--bind", "/dev", mounts / "dev")
    must("mount", "-t", "proc", "proc", mounts / "proc")
    must("mount", "-t", "tmpfs", "tmpfs", mounts / "tmp")
    loop = must("losetup", "--find", "--show", copy).strip()
    try:
        (mounts / "tmp/map").write_text(f"(hd0) {loop}\n")
        must("chroot", mounts, GRUB_SETUP, "--no-rs-codes", "-m", "/tmp/map", "-d", "/boot/grub/i386-pc", loop)
        must("sync", loop)
    finally:
        must("losetup", "--detach", loop)
        must("umount", "-R", mounts)


def boot_code_problems(raw, directory, partitions):
    copy, mountpoint = directory / "copy.raw", directory / "mnt"
    mountpoint.mkdir()
    end = partitions[BIOS]["start"] + partitions[BIOS]["size"]
    without_boot_code(raw, copy, partitions[BIOS])
    if not problems_of("cmp", "-s", "-n", end, raw, copy):
        return ["the copy still has its boot code: this test would prove nothing"]
    failed = problems_of("unshare", "--mount", "--propagation", "private", sys.executable, __file__, "--grub", raw, copy,
                         partitions[ROOT]["start"], mountpoint)
    return failed or problems_of("cmp", "-n", end, raw, copy)


def same_contents(kiln, qcow2, directory):
    """Our reader takes what qemu-img writes, in other forms than our own."""
    ours, _ = inspect(kiln, qcow2)
    problems = []
    for options in ("compression_type=zlib", "compression_type=zstd,cluster_size=4k", "compat=0.10,cluster_size=2M"):
        other = directory / "other.qcow2"
        must("qemu-img", "convert", *([] if "0.10" in options else ["-c"]), "-O", "qcow2", "-o", options, qcow2, other)
        theirs, _ = inspect(kiln, other)
        problems += [f"{options}: {key} differs" for key in ours if key not in ("path", "size") and ours[key] != theirs[key]]
    return problems


def run(check, directory, before):
    kiln = BuildEnv(directory / "kiln", "outputs: { tarball: { enabled: false } }\n")
    done = kiln.build()
    check("disk_builds", [] if done.returncode == 0 else [done.stderr[-600:]])
    if done.returncode != 0:
        return
    qcow2, raw = kiln.out / "small.qcow2", directory / "disk.raw"
    check("disk_qemu_img_check", problems_of("qemu-img", "check", qcow2))
    must("qemu-img", "convert", "-O", "raw", qcow2, raw)
    found, partitions = inspect(kiln, qcow2)
    size = json.loads(must("qemu-img", "info", "--output=json", qcow2))["virtual-size"]
    check("disk_size", [] if found["virtual_size"] == size else [f"inspect says {found['virtual_size']}, qemu-img {size}"])
    check("disk_ext4", problems_of("e2fsck", "-f", "-n", cut_out(raw, partitions[ROOT], directory / "root")))
    check("disk_esp", problems_of("fsck.vfat", "-n", cut_out(raw, partitions[ESP], directory / "esp")))
    check("disk_boot_code_is_grubs", boot_code_problems(raw, directory, partitions))
    check("disk_reads_what_qemu_writes", same_contents(kiln, qcow2, directory))
    check("disk_leaves_nothing", left_behind(kiln, before))


def main():
    require_root()
    check, directory, before = Check(), work_directory(), host_state()
    try:
        run(check, directory, before)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    sys.exit(check.failed > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--grub"]:
        set_up_by_grub(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5])
    else:
        main()
