# SPDX-License-Identifier: Apache-2.0
"""What Proxmox VE does with a container template (pve-container's LXC/Create.pm and LXC/Setup): its tar command, what it writes into
the root, the configuration it writes for lxc. Not a test itself: image/lxc.py and cluster/pve_host.py use it."""
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

# pve-container's options, in its order; the decompressor that the file's extension asks for comes after the third.
TAR = ["tar", "xpf", "-", "--totals", "--one-file-system", "-p", "--sparse", "--numeric-owner", "--acls", "--xattrs",
       "--xattrs-include=user.*", "--xattrs-include=security.capability", "--skip-old-files", "--anchored", "--exclude", "./dev/*"]
DECOMPRESS = {".zst": ["--zstd"], ".gz": ["-z"], ".xz": ["-J"], ".tar": []}
# The prefix that unpacks an unprivileged container's root: outside its user namespace the ids are others.
UNSHIFTED = ["lxc-usernsexec", "-m", "u:0:100000:65536", "-m", "g:0:100000:65536", "--"]
OVERLAY_TAR = ["tar", "xzp", "--no-same-owner"]
DOMAIN = "lab"

INTERFACES = """\
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
\taddress {address}/24
{gateway}
"""

# `pct` writes the first part for every container, the second for a privileged one or an unprivileged one.
CONFIG = """\
lxc.cgroup.relative = 0
lxc.cgroup.dir.monitor = lxc.monitor/{vmid}
lxc.cgroup.dir.container = lxc/{vmid}
lxc.cgroup.dir.container.inner = ns
lxc.arch = amd64
lxc.include = /usr/share/lxc/config/common.conf
lxc.apparmor.profile = generated
lxc.monitor.unshare = 1
lxc.tty.max = 2
lxc.environment = TERM=linux
lxc.uts.name = {name}
lxc.cgroup2.memory.max = {memory}
lxc.rootfs.path = {directory}/rootfs
lxc.net.0.type = veth
lxc.net.0.link = vmbr0
lxc.net.0.flags = up
lxc.net.0.veth.pair = veth{vmid}i0
lxc.net.0.hwaddr = {mac}
lxc.net.0.name = eth0
"""
UNPRIVILEGED = """\
lxc.include = /usr/share/lxc/config/userns.conf
lxc.seccomp.profile = {directory}/rules.seccomp
lxc.mount.auto = sys:mixed
lxc.idmap = u 0 100000 65536
lxc.idmap = g 0 100000 65536
"""
# Of an unprivileged one without keyctl=1.
SECCOMP = """\
2
denylist
reject_force_umount
[all]
kexec_load errno 1
open_by_handle_at errno 1
init_module errno 1
finit_module errno 1
delete_module errno 1
keyctl errno 38
"""
NESTING = "lxc.apparmor.allow_nesting = 1\n"


def tar_argv(archive):
    return TAR[:3] + DECOMPRESS[Path(archive).suffix] + TAR[3:]


def host_key(directory, kind, name):
    file = Path(directory) / f"ssh_host_{kind}_key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"root@{name}", "-f", file], check=True)
    return {f"etc/ssh/{file.name}": file.read_text(), f"etc/ssh/{file.name}.pub": Path(f"{file}.pub").read_text()}


def files(name, address, nameserver, gateway=None, hosts=""):
    """By their names: what `pct create` and `pct start` write into a Debian container. hosts: what /etc/hosts was."""
    written = {
        "etc/hostname": f"{name}\n",
        "etc/hosts": f"{hosts}# --- BEGIN PVE ---\n{address} {name}.{DOMAIN} {name}\n# --- END PVE ---\n",
        "etc/resolv.conf": f"# --- BEGIN PVE ---\nsearch {DOMAIN}\nnameserver {nameserver}\n# --- END PVE ---\n",
        "etc/network/interfaces": INTERFACES.format(address=address, gateway=f"\tgateway {gateway}\n" if gateway else ""),
        "etc/systemd/system-preset/00-pve.preset": "disable systemd-networkd.service\n",
        "fastboot": "",
    }
    with tempfile.TemporaryDirectory() as directory:
        for kind in ("ecdsa", "ed25519", "rsa"):
            written |= host_key(directory, kind, name)
    return written


def links():
    return {f"etc/systemd/system/getty.target.wants/container-getty@{tty}.service": "/lib/systemd/system/container-getty@.service"
            for tty in (1, 2)}


def overlay(written):
    """These files and the links as an archive, to be unpacked over the container's root."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for path, text in written.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(text), 0o600 if path.endswith("_key") else 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
        for path, target in links().items():
            member = tarfile.TarInfo(path)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return archive.getvalue()
