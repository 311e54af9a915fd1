# SPDX-License-Identifier: Apache-2.0
"""A node with Docker, booted with `nodekiln boot`, and what its Docker must be for kubelet. Not a test itself: docker.py and
debian_13_docker.py use it.

NODEKILN names the program (out/nodekiln), NODEKILN_ACCEL is given to --accel. A node that fails leaves its console's end in the
output.
"""
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from harness.cases import Failed, matches, same, say
from harness.guest import Guest
from harness.process import die_with_parent

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
ACCEL = os.environ.get("NODEKILN_ACCEL", "auto")
BOOT_SECONDS = 900
DOCKER = "sudo -n docker"


def about(node):
    return json.loads(node.ask("cat /etc/nodekiln/image.json"))


def image_of(node, part):
    return next(i for i in about(node)["images"] if f"/{part}:" in i)


def passes_the_gate(node):
    done = subprocess.run([NODEKILN, "verify", node.image], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(done.stdout + done.stderr)


def no_unit_failed(node):
    state = node.ssh("systemctl is-system-running --wait", BOOT_SECONDS).stdout.strip()
    failed = node.ask("systemctl --failed --plain --no-legend --no-pager")
    if state != "running" or failed:
        raise Failed(f"{state}; failed: {failed or 'none'}")
    return node.ask("systemd-analyze; systemd-analyze blame --no-pager | head -8").splitlines()


def docker_is_as_kubelet_wants_it(node):
    info = json.loads(node.ask(f"{DOCKER} info --format '{{{{json .}}}}'"))
    for key, want in (("Driver", "overlay2"), ("CgroupDriver", "systemd"), ("CgroupVersion", "2"), ("LiveRestoreEnabled", True),
                      ("LoggingDriver", "json-file"), ("Containers", 0)):
        if info[key] != want:
            raise Failed(f"docker info: {key} is {info[key]}, want {want}")
    return [f"Docker {info['ServerVersion']}"]


def identity_is_made_here(node):
    """An image has no key; the daemon made one at this boot."""
    matches(node.ask(f"{DOCKER} info --format '{{{{.ID}}}}'"), "[A-Z2-7:]{50,}|[0-9a-f-]{36}")
    node.ask("sudo -n test -s /etc/docker/key.json -o -s /var/lib/docker/engine-id")


def only_docker_speaks_for_containers(node):
    """kubeadm takes the one runtime that it finds."""
    if "io.containerd.grpc.v1 cri" in " ".join(node.ask("sudo -n ctr plugins ls").split()):
        raise Failed("containerd's CRI plugin is on")


def firewall_is_left_alone(node):
    same(node.ask("sudo -n iptables-save | grep -ci docker || true"), "0")
    same(node.ask("ip -o link show docker0 2>/dev/null | wc -l"), "0")


def preloaded_images_are_there(node):
    want = sorted(about(node)["images"])
    if not want:
        raise Failed("no image is said to be preloaded")
    same(sorted(node.ask(f"{DOCKER} images --format '{{{{.Repository}}}}:{{{{.Tag}}}}'").split()), want)


def pause_runs_in_its_scope(node):
    identity = node.ask(f"{DOCKER} run -d --network none {image_of(node, 'pause')}")
    try:
        pid = node.ask(f"{DOCKER} inspect --format '{{{{.State.Pid}}}}' {identity}")
        same(node.ask(f"cat /proc/{pid}/cgroup"), f"0::/system.slice/docker-{identity}.scope")
        # What live-restore is for.
        node.ask("sudo -n systemctl restart docker")
        same(node.ask(f"{DOCKER} inspect --format '{{{{.State.Pid}}}}' {identity}"), pid)
    finally:
        node.ssh(f"{DOCKER} rm -f {identity}")


def powers_off(node):
    node.ssh("sudo -n systemctl poweroff")
    try:
        same(node.process.wait(180), 0)
    except subprocess.TimeoutExpired:
        raise Failed("the machine is still on after 180 s")


def start(image, work):
    key = work / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    node = Guest("docker", work, "debian", key)
    node.image = image
    node.process = subprocess.Popen(
        [NODEKILN, "boot", image, "--accel", ACCEL, "--forward", f"{node.port}:22", "--hostname", "docker", "--ssh-key", f"{key}.pub"],
        stdin=subprocess.DEVNULL, stdout=open(node.console, "wb"), stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
    return node


def run_checks(title, checks, node):
    fine = True
    for check in checks:
        try:
            more = check(node)
            say([f"ok {title}: {check.__name__}", *(f"# {line}" for line in more or ())])
        except (Failed, subprocess.TimeoutExpired, ValueError, KeyError, StopIteration) as why:
            fine = False
            say([f"not ok {title}: {check.__name__}: {why}"])
    return fine


def try_image(title, checks, image):
    """Boots it; returns whether all checks are fine."""
    with tempfile.TemporaryDirectory(prefix="nodekiln-docker-") as work:
        node = start(image, Path(work))
        started, fine = time.monotonic(), False
        try:
            node.wait(BOOT_SECONDS)
            say([f"ok {title}: ssh login with the key after {time.monotonic() - started:.0f} s"])
            fine = run_checks(title, checks, node)
        except Failed as why:
            say([f"not ok {title}: {why}"])
        finally:
            node.stop()
        if not fine:
            say(["# console: " + line for line in node.tail()])
        return fine
