#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""seed.py [DIRECTORY]: boots every qcow2 of a directory (out/) with an ISO of `nodekiln seed`, with a fixed address, and looks at
what has arrived; then has the agent read the ISO itself, as it does in a guest without cloud-init."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.cases import Failed, matches, same
from harness.guest import Guest
from harness.process import die_with_parent

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
ACCEL = os.environ.get("NODEKILN_ACCEL", "auto")
BOOT_SECONDS = 600
# What QEMU's user network gives by DHCP too, but without an end.
ADDRESS = ["--address", "10.0.2.15/24", "--gateway", "10.0.2.2", "--nameserver", "10.0.2.3"]
# No server listens there: the agent waits for its cluster, and the node stays as its seed made it.
NODE = """cluster: lab
role: worker
token: c0ffee.c0ffeec0ffeec0ff
proxmox: {url: "https://10.0.2.2:1", token_id: kiln@pve!test, token_secret: c0ffeec0-ffee-c0ff-eec0-ffeec0ffee00}
"""
USER_DATA = """#cloud-config
write_files:
- {path: /etc/nodekiln/extra, content: more, permissions: '0640'}
"""
# Another root, with this machine's CD drive and nothing of cloud-init.
BARE = "sudo -n mkdir -p {root}/dev {root}/run {root}/sys/class && sudo -n ln -s /dev/sr0 {root}/dev/sr0 && " \
    "sudo -n ln -s /sys/class/block {root}/sys/class/block"


class Node(Guest):
    def __init__(self, image, work):
        key = work / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        super().__init__("w7", work, "debian", key)
        (work / "w7.yaml").write_text(NODE)
        (work / "user-data").write_text(USER_DATA)
        subprocess.run([NODEKILN, "seed", "--ssh-key", f"{key}.pub", "--user-data", "user-data", *ADDRESS, "w7.yaml"], cwd=work,
                       check=True, capture_output=True)
        self.process = subprocess.Popen([NODEKILN, "boot", image, "--accel", ACCEL, "--forward", f"{self.port}:22", "--seed", work / "w7.iso"],
                                        stdin=subprocess.DEVNULL, stdout=open(self.console, "wb"), stderr=subprocess.STDOUT,
                                        preexec_fn=die_with_parent)


def the_configuration_is_roots_alone(node):
    # The pattern does not match itself in the journal's record of this sudo.
    same(node.ask("sudo -n ls /etc/nodekiln/node.yaml; sudo -n grep -rl 'c0ff[e]e' /etc /var/lib/cloud /var/log /run || echo none"), "none")
    matches(node.ask("sudo -n mount -o ro LABEL=cidata /mnt; sudo -n cat /mnt/nodekiln.yaml; sudo -n umount /mnt"), r'(?s)cluster: "lab"\nrole: worker\ntoken: "c0ffee\..*name: "w7".*')


def the_users_files_are_there_too(node):
    same(node.ask("sudo -n cat /etc/nodekiln/extra && stat -c %a /etc/nodekiln/extra"), "more640")


def it_has_its_name(node):
    same(node.ask("hostname"), "w7")


def the_address_is_fixed(node):
    matches(node.ask("ip -4 -o addr show scope global"), r".* inet 10\.0\.2\.15/24 .* valid_lft forever.*")
    same(node.ask("ip -4 -o addr show dynamic"), "")
    matches(node.ask("ip -4 route show default"), r"default via 10\.0\.2\.2 .*")


def cloud_init_has_no_complaint(node):
    matches(node.ask("cloud-init status || true"), r"(?s)status: done.*")


def cloud_init_is_one_process(node):
    """Of 24.3 and later by itself, of those before by ours (rootfs-overlays/cloud-init-22)."""
    said = node.ask("sudo -n journalctl -b -t cloud-init -o json --output-fields=_SYSTEMD_UNIT,MESSAGE | grep running")
    units = {line["_SYSTEMD_UNIT"] for line in map(json.loads, said.splitlines()) if " running '" in line["MESSAGE"]}
    if len(units) != 1:
        raise Failed(f"its stages ran in {sorted(units)}")


def the_boot_has_no_cycle(node):
    """The agent comes after a stage of cloud-init, whose own order changes from release to release."""
    same(node.ask("sudo -n journalctl -b -o cat | grep -i 'ordering cycle' || true"), "")
    matches(node.ask("systemctl show -P After nodekiln-agent.service"), r"(?s).*cloud-config\.target.*")


def the_agent_waits_for_its_cluster(node):
    same(node.ask("systemctl is-active nodekiln-agent"), "active")
    matches(node.ask("sudo -n nodekiln-agent status"), r"(?s).*booting.*https://10\.0\.2\.2:1.*")


def the_agent_reads_the_volume_itself(node):
    node.ask(BARE.format(root="/tmp/bare"))
    plan = node.ask("sudo -n nodekiln-agent run --dry-run --root /tmp/bare 2>&1 || true")
    matches(plan, r"(?s).*\blab\b.*")
    if "c0ffeec0ff" in plan:
        raise Failed("the plan shows a secret")
    # Nothing stays mounted, and the directory it was mounted on is gone.
    same(node.ask("grep nodekiln-seed /proc/self/mountinfo; sudo -n ls -A /tmp/bare/run"), "")


TESTS = (the_configuration_is_roots_alone, the_users_files_are_there_too, it_has_its_name, the_address_is_fixed,
         cloud_init_has_no_complaint, cloud_init_is_one_process, the_boot_has_no_cycle, the_agent_waits_for_its_cluster,
         the_agent_reads_the_volume_itself)


def check(node, image):
    failed = 0
    for test in TESTS:
        try:
            test(node)
            print(f"ok {image.stem}/{test.__name__}", flush=True)
        except (Failed, subprocess.TimeoutExpired) as why:
            failed += 1
            print(f"not ok {image.stem}/{test.__name__}: {why}", flush=True)
    return failed


def boot(image):
    with tempfile.TemporaryDirectory(prefix="nodekiln-seed.") as directory:
        node = Node(image, Path(directory))
        try:
            node.wait(BOOT_SECONDS)
            return check(node, image)
        except Failed as why:
            print(f"not ok {image.stem}/boots: {why}\n" + "\n".join(f"# {line}" for line in node.tail()), flush=True)
            return 1
        finally:
            node.stop()


def main():
    images = sorted(Path(sys.argv[1] if len(sys.argv) > 1 else TOP / "out").glob("*.qcow2"))
    if not images:
        print("not ok seed: no qcow2 to boot; run `make image`")
    sys.exit(not images or any([boot(image) for image in images]))


main()
