#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""boot.py [DIRECTORY]: boots every qcow2 of a directory (out/) under SeaBIOS and OVMF, side by side, with `nodekiln boot`, and
asks the nodes over ssh whether they are what they should be. One gets the seed that `nodekiln boot` makes, the other the files
of a real cloud-init drive of Proxmox VE 9 (pve/), with the test's key, and the addresses and MAC of QEMU's user network.

NODEKILN names the program (out/nodekiln), NODEKILN_ACCEL is given to --accel. A node that fails leaves its console's end in
the output.
"""
import concurrent.futures
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.cases import Failed, matches, same, say
from harness.guest import Guest
from harness.process import die_with_parent, digest

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
ACCEL = os.environ.get("NODEKILN_ACCEL", "auto")
DISK_GIB = 10
BOOT_SECONDS = 900  # two emulated nodes on two busy cores
PVE_DRIVE = Path(__file__).resolve().parent / "pve/pve9-nocloud-cidata.iso.gz"
PVE_CHANGES = (("bc:24:11:06:fa:f6", "52:54:00:12:34:56"), ("10.0.0.5", "10.0.2.15"), ("10.0.0.1", "10.0.2.2"),
               ("10.0.0.2", "10.0.2.3"))


class OwnSeed:
    name, user, instance, address = "node-bios", "debian", "nodekiln-.*", None

    def arguments(self, work, key):
        return ["--hostname", self.name, "--ssh-key", key]


class PveSeed:
    name, user, instance, address = "foo", "admin", "[0-9a-f]{40}", "10.0.2.15/24"

    def arguments(self, work, key):
        drive, directory = work / "pve.iso", work / "pve"
        drive.write_bytes(gzip.decompress(PVE_DRIVE.read_bytes()))
        directory.mkdir()
        for name in ("user-data", "meta-data", "network-config", "vendor-data"):
            text = subprocess.run(["isoinfo", "-R", "-x", f"/{name}", "-i", drive], check=True, capture_output=True,
                                  text=True).stdout
            for old, new in PVE_CHANGES if name == "network-config" else ():
                text = text.replace(f"'{old}'", f"'{new}'")
            (directory / name).write_text(re.sub(r"ssh-ed25519 .*", key.read_text().strip(), text))
        return ["--seed", directory]


SEEDS = {"bios": OwnSeed(), "uefi": PveSeed()}


class Node(Guest):
    """One machine: started with `nodekiln boot`."""

    def __init__(self, image, firmware, work):
        key = work / f"{firmware}.key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        super().__init__(firmware, work, SEEDS[firmware].user, key)
        self.seed, self.firmware = SEEDS[firmware], firmware
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [NODEKILN, "boot", image, "--firmware", firmware, "--accel", ACCEL, "--forward", f"{self.port}:22", "--disk-size",
             f"{DISK_GIB}G", *self.seed.arguments(work, Path(f"{self.key}.pub"))],
            stdin=subprocess.DEVNULL, stdout=open(self.console, "wb"), stderr=subprocess.STDOUT, preexec_fn=die_with_parent)

    def wait(self):
        """Returns the seconds from the start to the login."""
        super().wait(BOOT_SECONDS)
        return time.monotonic() - self.started


def is_running(node):
    try:
        state = node.ssh("systemctl is-system-running --wait", BOOT_SECONDS).stdout.strip()
    except subprocess.TimeoutExpired:
        state = "still " + node.ask("systemctl is-system-running || true") + "; " + node.ask("systemctl list-jobs --no-pager")
    if state != "running":
        raise Failed(f"{state}; failed: {node.ask('systemctl --failed --plain --no-legend --no-pager') or 'none'}")


def no_unit_failed(node):
    same(node.ask("systemctl --failed --plain --no-legend --no-pager"), "")


def has_its_name(node):
    same(node.ask("hostname"), node.seed.name)
    matches(node.ask("getent ahostsv4 $(hostname)").split()[0], r"127\.0\.1\.1|10\.0\.2\.15")
    if node.seed.address:
        matches(node.ask("ip -4 -o addr show eth0"), rf".* inet {re.escape(node.seed.address)} .*")


def firmware_is_right(node):
    same(node.ask("test -d /sys/firmware/efi && echo uefi || echo bios"), node.firmware)


def machine_id_is_made(node):
    matches(node.ask("cat /etc/machine-id"), "[0-9a-f]{32}")


def root_has_grown(node):
    size = int(node.ask("df -B1 --output=size / | tail -1"))
    if size < 0.9 * DISK_GIB * 2**30:
        raise Failed(f"the root has {size / 2**30:.1f} GiB of the disk's {DISK_GIB}")


def esp_is_mounted_on_demand(node):
    node.ask("sudo -n test -f /boot/efi/EFI/BOOT/BOOTX64.EFI")
    matches(node.ask("findmnt -n -o FSTYPE -t vfat /boot/efi"), "vfat")


def only_keys_let_in(node):
    got = node.ssh("true", options=("-o", "PreferredAuthentications=password,keyboard-interactive", "-o",
                                    "PubkeyAuthentication=no"))
    if got.returncode == 0:
        raise Failed("a login without a key")
    settings = node.ask("sudo -n /usr/sbin/sshd -T")
    for line in ("passwordauthentication no", "kbdinteractiveauthentication no", "permitrootlogin without-password"):
        if line not in settings.splitlines():
            raise Failed(f"sshd -T does not say '{line}'")


def seed_is_ours_alone(node):
    same(node.ask("sudo -n ls /var/lib/cloud/instances | wc -l"), "1")
    matches(node.ask("sudo -n cat /var/lib/cloud/data/instance-id"), node.seed.instance)
    # 2: done, but something is deprecated; Proxmox VE's own user-data is, in new versions.
    status = json.loads(node.ask("cloud-init status --format json || test $? -eq 2"))
    same(status["status"], "done")
    same(status.get("errors", []), [])


def kernel_is_ready(node):
    same(node.ask("cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/bridge/bridge-nf-call-iptables"), "1\n1")
    matches(node.ask("grep -cw overlay /proc/filesystems"), "1")
    same(node.ask("cat /proc/swaps | wc -l"), "1")
    same(node.ask("cat /proc/sys/kernel/panic /proc/sys/kernel/panic_on_oops"), "10\n1")
    node.ask("grep -w oops=panic /proc/cmdline | grep -w panic=10")
    node.ask("test -s /usr/lib/udev/hwdb.bin")


def agents_are_there(node):
    same(node.ask("systemctl is-active qemu-guest-agent"), "active")
    node.ask("nodekiln-agent --version")


def image_json(node):
    return json.loads(node.ask("cat /etc/nodekiln/image.json"))


def containerd_answers(node):
    if image_json(node)["runtime"] != "containerd":
        return "no containerd in this image"
    node.ask("sudo -n ctr version")
    node.ask("sudo -n ctr plugins ls | grep -w cri | grep -w ok")
    return None


def kubernetes_is_right(node):
    about = image_json(node)["kubernetes"]
    if about["source"] == "none":
        return "no Kubernetes in this image"
    same(node.ask("kubelet --version"), f"Kubernetes v{about['version']}")
    same(node.ask("kubeadm version -o short"), f"v{about['version']}")
    node.ask("kubectl version --client")
    same(node.ask("systemctl is-enabled kubelet"), "enabled")
    return None


def preloaded_images_run(node):
    if image_json(node)["runtime"] != "containerd":
        return "tests/matrix/docker.py looks into Docker's store"
    images = node.ask("sudo -n ctr -n k8s.io images ls -q").split()
    pause = image_json(node)["pause_image"]
    server = next((i for i in images if "/kube-apiserver:" in i), None)
    for name in image_json(node)["images"]:
        if name not in images:
            raise Failed(f"{name} is said to be preloaded, but containerd has only: {' '.join(images)}")
    if not images:
        return "the recipe preloads none"
    if pause and pause not in images:
        raise Failed(f"the pause image {pause} is not among {' '.join(images)}")
    if server:
        got = node.ask(f"sudo -n ctr -n k8s.io run --rm --snapshotter overlayfs {server} try kube-apiserver --version")
        same(got, f"Kubernetes v{image_json(node)['kubernetes']['version']}")
    node.ask(f"sudo -n ctr -n k8s.io run -d --snapshotter overlayfs {pause} try-pause")
    try:
        matches(node.ask("sudo -n ctr -n k8s.io tasks ls | grep -w try-pause").split()[-1], "RUNNING")
    finally:
        node.ssh("sudo -n ctr -n k8s.io tasks kill -s SIGKILL try-pause; sleep 1; sudo -n ctr -n k8s.io containers rm try-pause")
    return None


def powers_off(node):
    node.ssh("sudo -n systemctl poweroff")
    try:
        same(node.process.wait(180), 0)
    except subprocess.TimeoutExpired:
        raise Failed("the machine is still on after 180 s")


CHECKS = (is_running, no_unit_failed, has_its_name, firmware_is_right, machine_id_is_made, root_has_grown,
          esp_is_mounted_on_demand, only_keys_let_in, seed_is_ours_alone, kernel_is_ready, agents_are_there,
          containerd_answers, kubernetes_is_right, preloaded_images_run)


def try_node(node, label):
    """Every check, as lines; returns what must differ between nodes, or None when something failed."""
    lines, fine, identity = [], True, None
    try:
        lines.append(f"ok {label}: ssh login with the key after {node.wait():.0f} s")
        for check in CHECKS:
            try:
                skipped = check(node)
                lines.append(f"{'skip' if skipped else 'ok'} {label}: {check.__name__}{': ' + skipped if skipped else ''}")
            except (Failed, subprocess.TimeoutExpired, ValueError, KeyError) as why:
                fine = False
                lines.append(f"not ok {label}: {check.__name__}: {why}")
        times = node.ask("systemd-analyze; cloud-init analyze show | grep -E '^Finished|Total'")
        lines += ["# " + line for line in times.splitlines()]
        identity = node.ask("cat /etc/machine-id /etc/ssh/ssh_host_*_key.pub").split("\n")
        powers_off(node)
        lines.append(f"ok {label}: powers_off")
    except (Failed, subprocess.TimeoutExpired) as why:
        fine = False
        lines.append(f"not ok {label}: {why}")
    finally:
        node.stop()
    if not fine:
        lines += ["# console: " + line for line in node.tail()]
    say(lines)
    return identity if fine else None


def try_image(image, work):
    before = digest(image)
    nodes = []
    try:
        with concurrent.futures.ThreadPoolExecutor(len(SEEDS)) as pool:
            for firmware in SEEDS:
                nodes.append(Node(image, firmware, work))
            identities = list(pool.map(lambda n: try_node(n, f"{image.name} {n.firmware}"), nodes))
    finally:
        for node in nodes:
            node.stop()
    fine = all(identities)
    if fine and set(identities[0]) & set(identities[1]):
        fine = False
        say([f"not ok {image.name}: two nodes share {' '.join(set(identities[0]) & set(identities[1]))}"])
    elif fine:
        say([f"ok {image.name}: two nodes share neither machine-id nor host keys"])
    if digest(image) != before:
        fine = False
        say([f"not ok {image.name}: booting it changed the file"])
    return fine


def main():
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else TOP / "out")
    images = sorted(directory.glob("*.qcow2"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not images:
        say([f"not ok boot: no qcow2 in {directory}; run `make image` first"])
        return 1
    fine = True
    for image in images:
        with tempfile.TemporaryDirectory(prefix="nodekiln-boot-test-") as work:
            fine &= try_image(image, Path(work))
    return 0 if fine else 1


sys.exit(main())
