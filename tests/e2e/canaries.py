#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packages whose scripts turn every directory that the builder touches afterwards into a link to an absolute path. On the host that path has
the same directories, with files: canaries. The build resolves the links inside the tree, and changes and reads nothing of the host's."""
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from harness import second_host
from harness.build_env import TOP, BuildEnv, Check, host_state, left_behind, private_cache, require_root, work_directory
from harness.repository import Flat, Key, Server

CONFINED = [str(TOP / "tests/confine.py")]
# In the base, before the layers above it are configured. A package of these layers may ship what is below; none of small.yaml's does.
BASE = ["etc/initramfs-tools"]
# In the topmost layer: what is customized, sealed and written to the disk.
TOP_LAYER = ["boot", "etc", "home", "opt", "root", "usr/lib/systemd", "usr/local", "usr/share/doc", "var/cache", "var/lib", "var/log",
             "var/spool"]
# Files that sysprep removes or truncates, that customizing, GRUB and images write, and one that overlays write.
BAIT = ["boot/grub/grub.cfg", "boot/vmlinuz-9", "etc/machine-id", "etc/shadow", "etc/fstab", "etc/motd", "etc/nodekiln-test",
        "etc/nodekiln/image.json", "etc/ssh/ssh_host_rsa_key", "etc/initramfs-tools/conf.d/test", "root/.bash_history",
        "usr/lib/systemd/random-seed", "usr/share/doc/base-files/changelog.gz", "var/cache/apt/archives/a.deb", "var/lib/dbus/machine-id",
        "var/lib/systemd/random-seed", "var/lib/apt/lists/a", "var/lib/containerd/a", "var/log/a.log", "var/spool/a"]
SECRET = "canary: this is a file of the host\n"
OVERLAY = "etc/initramfs-tools/conf.d/test"
KEYS = """packages:
  base: [canary-base{packages}]
  extra: [canary-top]
repositories:
  - {{url: '{url}/', suite: /, key_url: '{url}/Release.key', key_fingerprint: {fingerprint}}}
"""
IMAGES = "runtime: containerd\nimages:\n  archives: [./images.tar]\n"


def turn_into_links(directories, place):
    return "#!/bin/sh\nset -e\n" + "".join(
        f"mkdir -p $(dirname {place}/{d}) $(dirname /{d})\n"
        f"if [ -d /{d} ]; then mv /{d} {place}/{d}; else mkdir {place}/{d}; fi\nln -s {place}/{d} /{d}\n" for d in directories)


def make_repository(directory, key, place):
    directory.mkdir()
    repository = Flat(directory)
    for name, directories in (("canary-base", BASE), ("canary-top", TOP_LAYER)):
        repository.add(name, "1", files={"DEBIAN/postinst": turn_into_links(directories, place)})
    repository.write(key)
    (directory / "Release.key").write_bytes(key.armored())


def put_canaries(place):
    shutil.rmtree(place, ignore_errors=True)
    for name in BAIT:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(SECRET)


def state(place):
    """Of all that is there: what a write, a removal, a new owner or mode, or a new entry would change."""
    found = {}
    for path in [place, *sorted(place.rglob("*"))]:
        st = path.lstat()
        found[str(path.relative_to(place))] = (st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns, st.st_ino,
                                               path.read_text() if path.is_file() else None)
    return found


def members(path):
    unpacked = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        return {m.name: archive.extractfile(m).read() if m.isfile() else None for m in archive}


def inside(kiln, place):
    """The artifact has what was written, below the links' target, and nothing of the host."""
    found = members(kiln.out / "small.tar.zst")
    prefix = f".{place}/"
    problems = [f"{name} is not in the tree" for name in ("etc/nodekiln/image.json", "etc/nodekiln-test", OVERLAY) if prefix + name not in found]
    return problems + [f"{name} is the host's" for name, content in found.items() if content == SECRET.encode()]


def build(kiln, place, prefix=()):
    put_canaries(place)
    before, canaries = host_state(), state(place)
    done = kiln.run([*prefix, *kiln.build_argv("--force")])
    after = state(place)
    problems = [] if done.returncode == 0 else [done.stderr.strip()[-400:]]
    problems += [f"changed on the host: {name or '.'}" for name in sorted(set(canaries) | set(after)) if canaries.get(name) != after.get(name)]
    return problems + (inside(kiln, place) if done.returncode == 0 else []) + left_behind(kiln, before)


def make_env(directory, name, url, fingerprint, packages="", keys=""):
    kiln = BuildEnv(directory / name, KEYS.format(url=url, fingerprint=fingerprint, packages=packages) + keys, cache=directory / "cache")
    (kiln.overlay / OVERLAY).parent.mkdir(parents=True)
    (kiln.overlay / OVERLAY).write_text("of the overlay")
    (kiln.directory / "images.tar").write_bytes(second_host.images())
    return kiln


def main():
    require_root()
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    check, directory = Check(), work_directory()
    place, key = Path(tempfile.mkdtemp(prefix="nodekiln-test.", dir="/srv")), Key(directory, "ours")
    try:
        private_cache(directory)
        make_repository(directory / "served", key, place)
        with Server(directory / "served") as server:
            repository = (server.url, key.fingerprint)
            check("links of packages lead nowhere on the host",
                  build(make_env(directory, "root", *repository, ", containerd, runc", IMAGES), place))
            check("links of packages lead nowhere on the host, in a container",
                  build(make_env(directory, "confined", *repository), place, CONFINED))
    finally:
        key.stop()
        shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(place, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
