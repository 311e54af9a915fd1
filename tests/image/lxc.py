#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lxc.py [DIRECTORY]: unpacks every container template of a directory (out/) with exactly Proxmox VE's tar command, writes into
it what Proxmox VE writes, and boots it under lxc-start. Needs root.

Everything happens in network, mount and PID namespaces of its own: when this program ends, however, the container is gone,
and the host's network was never touched.
"""
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
PREFIX = "nodekiln-lxc-"
NAME = "ct-node"
ADDRESS = "10.99.0.2"
START_SECONDS = 120

# pve-container's options, in its order (PVE::LXC::Create).
TAR = ["tar", "xpf", "-", "--totals", "--one-file-system", "-p", "--sparse", "--numeric-owner", "--acls", "--xattrs",
       "--xattrs-include=user.*", "--xattrs-include=security.capability", "--skip-old-files", "--anchored", "--exclude", "./dev/*"]

CONFIG = """\
lxc.rootfs.path = dir:{root}
lxc.uts.name = {name}
lxc.arch = amd64
lxc.tty.max = 2
lxc.pty.max = 1024
lxc.autodev = 1
lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
lxc.cap.drop = mac_admin mac_override sys_time sys_module sys_rawio
lxc.apparmor.profile = unconfined
lxc.signal.halt = SIGRTMIN+4
lxc.net.0.type = veth
lxc.net.0.flags = up
lxc.net.0.name = eth0
"""

INTERFACES = f"""\
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
\taddress {ADDRESS}/24

"""


class Failed(Exception):
    pass


def write(root, path, text):
    """As pve-container does: the file is replaced inside the container, parents made."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_symlink():
        file.unlink()
    file.write_text(text)


def unpack(archive, root):
    """`pct create` hands tar the file with the decompressor that its extension asks for."""
    decompress = {".zst": ["--zstd"], ".gz": ["-z"], ".xz": ["-J"], ".tar": []}[archive.suffix]
    with open(archive, "rb") as f:
        done = subprocess.run(TAR[:3] + decompress + TAR[3:] + ["-C", root], stdin=f, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"tar: {done.stderr.strip()[-400:]}")
    if not (root / "etc/os-release").exists() or not (root / "etc/debian_version").exists():
        raise Failed("Proxmox VE would not know what it is: etc/os-release or etc/debian_version is missing")


def set_up(root):
    """What `pct create` and `pct start` change in a Debian container."""
    (root / "etc/machine-id").unlink(missing_ok=True)
    write(root, "etc/hostname", NAME + "\n")
    hosts = root / "etc/hosts"
    old = hosts.read_text() if hosts.exists() else ""
    write(root, "etc/hosts", f"{old}# --- BEGIN PVE ---\n{ADDRESS} {NAME}.lab {NAME}\n# --- END PVE ---\n")
    write(root, "etc/resolv.conf", "# --- BEGIN PVE ---\nsearch lab\nnameserver 192.0.2.1\n# --- END PVE ---\n")
    write(root, "etc/network/interfaces", INTERFACES)
    write(root, "etc/systemd/system-preset/00-pve.preset", "disable systemd-networkd.service\n")
    for kind in ("ecdsa", "ed25519", "rsa"):
        key = root / f"etc/ssh/ssh_host_{kind}_key"
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"root@{NAME}", "-f", key], check=True)
    for tty in (1, 2):
        link = root / f"etc/systemd/system/getty.target.wants/container-getty@{tty}.service"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("/lib/systemd/system/container-getty@.service")
    write(root, "fastboot", "")


class Container:
    def __init__(self, work, root):
        self.path, self.log = work, work / "lxc.log"
        self.config = work / "config"
        self.config.write_text(CONFIG.format(root=root, name=NAME))
        self.name = work.name
        self.process = subprocess.Popen(
            ["lxc-start", "-P", work, "-n", self.name, "-f", self.config, "-F", "-l", "INFO", "-o", self.log],
            stdin=subprocess.DEVNULL, stdout=open(work / "console", "wb"), stderr=subprocess.STDOUT)

    def run(self, command, timeout=120):
        """A pipe and no stdin: lxc-attach on a terminal of ours would hang."""
        attach = ["lxc-attach", "-P", self.path, "-n", self.name, "-f", self.config, "--clear-env", "--", "/bin/sh", "-c"]
        return subprocess.run(attach + ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; " + command],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)

    def ask(self, command, timeout=120):
        done = self.run(command, timeout)
        if done.returncode != 0:
            raise Failed(f"`{command}` ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
        return done.stdout.strip()

    def wait(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed(f"lxc-start ended with {self.process.returncode}: {self.log.read_text(errors='replace')[-400:]}")
            if self.run("test -S /run/systemd/private").returncode == 0:
                return
            time.sleep(0.2)
        raise Failed(f"systemd does not answer within {START_SECONDS} s")

    def stop(self):
        if self.process.poll() is None:
            try:
                subprocess.run(["lxc-stop", "-P", self.path, "-n", self.name, "-k"], capture_output=True, timeout=30)
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def same(got, want):
    if got != want:
        raise Failed(f"got '{got}', want '{want}'")


def is_running(ct):
    try:
        state = ct.run("systemctl is-system-running --wait", START_SECONDS).stdout.strip()
    except subprocess.TimeoutExpired:
        jobs = ct.run("systemctl list-jobs --no-legend --no-pager").stdout.strip()
        state = "not there yet, waits for " + jobs.replace("\n", " | ")
    if state != "running":
        failed = ct.run("systemctl --failed --plain --no-legend --no-pager").stdout.strip()
        detail = ct.run("journalctl -b -p warning --no-pager | tail -20").stdout.strip().replace("\n", " | ")
        raise Failed(f"{state}; failed: {failed}; {detail}")


def has_its_name(ct):
    same(ct.ask("hostname"), NAME)
    same(ct.ask(f"getent hosts {NAME}").split()[0], ADDRESS)
    same(ct.ask("getent hosts localhost").split()[0] in ("127.0.0.1", "::1"), True)


def network_is_pves(ct):
    if f"inet {ADDRESS}/24" not in ct.ask("ip -4 addr show eth0"):
        raise Failed("eth0 has not the address of /etc/network/interfaces")
    same(ct.run("systemctl is-active systemd-networkd").stdout.strip(), "inactive")
    if "192.0.2.1" not in ct.ask("cat /etc/resolv.conf"):
        raise Failed("something replaced /etc/resolv.conf")


def machine_id_is_made(ct):
    if not re.fullmatch("[0-9a-f]{32}", ct.ask("cat /etc/machine-id")):
        raise Failed("no machine-id")


def services_run(ct):
    same(ct.ask("systemctl is-active ssh"), "active")
    same(ct.run("systemctl is-active ssh.socket").stdout.strip(), "inactive")
    ct.ask("test -e /dev/kmsg")
    ct.ask("nodekiln-agent --version")


def runtime_answers(ct):
    about = json.loads(ct.ask("cat /etc/nodekiln/image.json"))
    if about["runtime"] != "containerd":
        return "no containerd in this image"
    ct.ask("ctr version")
    if about["pause_image"] and about["pause_image"] not in ct.ask("ctr -n k8s.io images ls -q").split():
        images = ct.ask("ctr -n k8s.io images ls -q")
        return f"the pause image is not preloaded ({len(images.split())} images)"
    return None


def kubernetes_is_right(ct):
    about = json.loads(ct.ask("cat /etc/nodekiln/image.json"))["kubernetes"]
    if about["source"] == "none":
        return "no Kubernetes in this image"
    same(ct.ask("kubelet --version"), f"Kubernetes v{about['version']}")
    same(ct.ask("kubeadm version -o short"), f"v{about['version']}")
    return None


CHECKS = (is_running, has_its_name, network_is_pves, machine_id_is_made, services_run, runtime_answers, kubernetes_is_right)


def try_checks(ct, label):
    fine = True
    for check in CHECKS:
        try:
            skipped = check(ct)
            print(f"{'skip' if skipped else 'ok'} {label}: {check.__name__}{': ' + skipped if skipped else ''}", flush=True)
        except (Failed, subprocess.TimeoutExpired, ValueError, KeyError) as why:
            fine = False
            print(f"not ok {label}: {check.__name__}: {why}", flush=True)
    return fine


def try_template(archive):
    label = archive.name
    work = Path(tempfile.mkdtemp(prefix=PREFIX, dir=os.environ.get("TMPDIR", "/var/tmp")))
    root, ct = work / "rootfs", None
    try:
        root.mkdir()
        unpack(archive, root)
        set_up(root)
        print(f"ok {label}: unpacks with Proxmox VE's tar command", flush=True)
        started = time.monotonic()
        ct = Container(work, root)
        ct.wait()
        fine = try_checks(ct, label)
        print(f"# {time.monotonic() - started:.1f} s; {ct.run('systemd-analyze').stdout.strip().splitlines()[:1]}", flush=True)
        return fine
    except (Failed, subprocess.TimeoutExpired) as why:
        print(f"not ok {label}: {why}", flush=True)
        return False
    finally:
        if ct:
            ct.stop()
        shutil.rmtree(work, ignore_errors=True)
        sweep_cgroups(work.name)


def sweep_cgroups(name):
    """lxc removes its cgroups when it ends; a killed one leaves them, empty, and rmdir takes no others."""
    for top, directories, _ in os.walk("/sys/fs/cgroup", topdown=False):
        for directory in directories:
            path = os.path.join(top, directory)
            if f".{name}" in path:
                try:
                    os.rmdir(path)
                except OSError:
                    pass


def sweep_leftovers(base):
    """Of runs that were killed: their processes went with their PID namespace, these are only files."""
    for old in Path(base).glob(PREFIX + "*"):
        if time.time() - old.stat().st_mtime > 3600:
            shutil.rmtree(old, ignore_errors=True)
    sweep_cgroups(PREFIX)


def inside(directory):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sweep_leftovers(os.environ.get("TMPDIR", "/var/tmp"))
    archives = sorted(p for p in Path(directory).iterdir() if p.name.endswith((".tar.zst", ".tar.gz", ".tar.xz", ".tar")))
    if not archives:
        print(f"not ok lxc: no container template in {directory}; run `make image` first")
        return 1
    return 0 if all([try_template(a) for a in archives]) else 1


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--inside":
        return inside(sys.argv[2])
    directory = sys.argv[1] if len(sys.argv) > 1 else str(TOP / "out")
    if os.geteuid() != 0:
        print("skip lxc: lxc-start needs root")
        return 0
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    child = subprocess.Popen(unshare + [sys.executable, os.path.abspath(__file__), "--inside", directory],
                             preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    return child.wait()


sys.exit(main())
