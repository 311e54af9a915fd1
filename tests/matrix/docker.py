#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker.py [IMAGE.qcow2]: the recipe debian-12-docker (built into out/matrix when no image is given), booted with `nodekiln boot`:
Docker as kubelet 1.20 wants it, with the images that were put into its store when building, and containers that run from them.
Then the recipe is built twice from nothing: both times Docker's store must come out the same.

NODEKILN names the program (out/nodekiln), NODEKILN_ACCEL is given to --accel. A node that fails leaves its console's end in the
output.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests"), str(TOP / "tests/e2e")]
from guest import Failed, Guest, die_with_parent, digest, matches, same, say  # noqa: E402
from kiln import private_cache, work_directory  # noqa: E402

NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
ACCEL = os.environ.get("NODEKILN_ACCEL", "auto")
RECIPE, NAME, DIRECTORY = "debian-12-docker", "debian-12-docker-k8s-1.20-eol", TOP / "out/matrix"
EPOCH = "1700000000"
BOOT_SECONDS = 900
DOCKER = "sudo -n docker"


def build():
    subprocess.run([NODEKILN, "build", RECIPE, "--plain", "--out", DIRECTORY], cwd=TOP, check=True)
    return DIRECTORY / f"{NAME}.qcow2"


def builds_are_equal():
    directory, digests = work_directory(), set()
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "NODEKILN_CACHE": str(private_cache(directory))}
    try:
        for out in (directory / "first", directory / "second"):
            shutil.rmtree(directory / "cache/trees", ignore_errors=True)
            done = subprocess.run([NODEKILN, "build", RECIPE, "--plain", "--out", out, "--set", "outputs.qcow2.enabled=false"],
                                  cwd=TOP, env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                say([f"not ok docker: {builds_are_equal.__name__}: {done.stderr.strip()[-400:]}"])
                return False
            digests.add(digest(out / f"{NAME}.tar.zst"))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    say([f"{'ok' if len(digests) == 1 else 'not ok'} docker: {builds_are_equal.__name__}"])
    return len(digests) == 1


def start(image, work):
    key = work / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    node = Guest("docker", work, "debian", key)
    node.process = subprocess.Popen(
        [NODEKILN, "boot", image, "--accel", ACCEL, "--forward", f"{node.port}:22", "--hostname", "docker", "--ssh-key", f"{key}.pub"],
        stdin=subprocess.DEVNULL, stdout=open(node.console, "wb"), stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
    return node


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
    if len(want) < 6:
        raise Failed(f"only {want} are said to be preloaded")
    same(sorted(node.ask(f"{DOCKER} images --format '{{{{.Repository}}}}:{{{{.Tag}}}}'").split()), want)


def containers_run_from_them(node):
    """The API server's image is one layer, kube-proxy's stands on another one, which is what overlay2 must put together."""
    version = f"Kubernetes v{about(node)['kubernetes']['version']}"
    run = f"{DOCKER} run --rm --network none"
    same(node.ask(f"{run} {image_of(node, 'kube-apiserver')} --version"), version)
    same(node.ask(f"{run} {image_of(node, 'kube-proxy')} --version"), version)
    matches(node.ask(f"{run} --entrypoint iptables {image_of(node, 'kube-proxy')} --version"), "iptables v.*nf_tables.*")


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


CHECKS = (passes_the_gate, no_unit_failed, docker_is_as_kubelet_wants_it, identity_is_made_here, only_docker_speaks_for_containers,
          firewall_is_left_alone, preloaded_images_are_there, containers_run_from_them, pause_runs_in_its_scope, powers_off)


def try_node(node):
    started, fine = time.monotonic(), True
    try:
        node.wait(BOOT_SECONDS)
        say([f"ok docker: ssh login with the key after {time.monotonic() - started:.0f} s"])
        for check in CHECKS:
            try:
                times = check(node)
                say([f"ok docker: {check.__name__}", *(f"# {line}" for line in times or ())])
            except (Failed, subprocess.TimeoutExpired, ValueError, KeyError, StopIteration) as why:
                fine = False
                say([f"not ok docker: {check.__name__}: {why}"])
    except Failed as why:
        fine = False
        say([f"not ok docker: {why}"])
    finally:
        node.stop()
    if not fine:
        say(["# console: " + line for line in node.tail()])
    return fine


def main():
    image = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else build()
    with tempfile.TemporaryDirectory(prefix="nodekiln-docker-") as work:
        node = start(image, Path(work))
        node.image = image
        fine = try_node(node)
    return 0 if builds_are_equal() and fine else 1


sys.exit(main())
