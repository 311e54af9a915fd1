#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""debian_13_docker.py [IMAGE]: the recipe debian-13-docker (built into out/matrix when no image is given), booted: Docker 26 as kubelet wants it, its store
preloaded, cri-dockerd started by its socket, and the agent's choice between it and containerd.

cri-dockerd is a stub, unless NODEKILN_CRI_DOCKERD names a real one, so no pod runs here: docker_native.py runs them.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.build_env import require_root, work_directory
from harness.cases import Failed, say
import docker_node
from built import NODEKILN, OUT, TOP
from docker_node import about

NAME = "debian-13-docker"
CRI_DOCKERD, CONTAINERD = "unix:///run/cri-dockerd.sock", "unix:///run/containerd/containerd.sock"


def cri_dockerd(work):
    """The program; the stub has no libraries, as programs from elsewhere are."""
    if os.environ.get("NODEKILN_CRI_DOCKERD"):
        return Path(os.environ["NODEKILN_CRI_DOCKERD"])
    source, stub = Path(__file__).parent / "cri_dockerd.c", work / "cri-dockerd"
    subprocess.run(["gcc", "-static", "-Os", "-s", "-o", stub, source], check=True)
    return stub


def recipe(program):
    """The recipe as it is, except for where cri-dockerd comes from."""
    binary = {"url": f"file://{program}", "sha256": hashlib.sha256(program.read_bytes()).hexdigest(), "path": "/usr/bin/cri-dockerd"}
    return json.dumps({"include": [str(TOP / f"recipes/{NAME}.yaml")], "name": NAME, "components": {"cri-dockerd": None},
                       "kubernetes": {"binaries": [binary]}, "overlays": {"base": ["cri-dockerd"]},
                       "units": {"base": ["cri-docker", "cri-docker.socket"]}, "outputs": {"tarball": {"enabled": False}}})


def build(work):
    file = work / "recipe.yaml"
    file.write_text(recipe(cri_dockerd(work)))
    subprocess.run([NODEKILN, "build", file, "--plain", "--out", OUT], cwd=TOP, check=True)
    return OUT / f"{NAME}.qcow2"


def cri_dockerd_answers_at_its_socket(node):
    node.ask("systemctl is-active cri-docker.socket && sudo -n test -S /run/cri-dockerd.sock")
    unit = node.ask("systemctl show -p ActiveState -p ExecStart -p NRestarts cri-docker.service")
    for word in ("ActiveState=active", "NRestarts=0", f"--pod-infra-container-image={about(node)['pause_image']}"):
        if word not in unit:
            raise Failed(f"{word} is not in {unit}")
    return node.ask("sudo -n journalctl --no-pager -o cat -n 5 -u cri-docker.service").splitlines()


def dry_run(node, keys):
    """What the agent would do with such a configuration."""
    text = json.dumps({"cluster": "lab", "role": "init", **keys})
    node.ask(f"echo '{text}' | sudo -n sh -c 'umask 077 && cat >/etc/nodekiln/node.yaml'")
    return node.ask("sudo -n nodekiln-agent run --dry-run")


def expect(said, *words):
    for word in words:
        if word not in said:
            raise Failed(f"{word} is not in {said}")


def the_agent_takes_cri_dockerd(node):
    """containerd's CRI is off, and the image says what it was built for."""
    expect(dry_run(node, {}), f'"criSocket": "{CRI_DOCKERD}"', "kubeadm.k8s.io/v1beta4", '"cgroupDriver": "systemd"')


def two_runtimes_need_a_choice(node):
    """As in an image of another maker."""
    node.ask("sudo -n mv /etc/nodekiln/image.json /etc/containerd/config.toml /root/")
    said = dry_run(node, {})
    expect(said, "fatal: both containerd and cri-dockerd are installed; say which one")
    if "criSocket" in said:
        raise Failed("the agent has chosen all the same")
    for socket in (CONTAINERD, CRI_DOCKERD):
        said = dry_run(node, {"cri_socket": socket})
        expect(said, f'"criSocket": "{socket}"')
        if "both containerd" in said:
            raise Failed(f"{socket} is no choice")


def the_image_says_what_is_in_it(node):
    image, version = about(node), node.ask("kubelet --version").removeprefix("Kubernetes v")
    if (image["runtime"], image["kubernetes"]["version"]) != ("docker", version) or image["pause_image"] not in image["images"]:
        raise Failed(json.dumps(image))


CHECKS = (docker_node.passes_the_gate, docker_node.no_unit_failed, the_image_says_what_is_in_it,
          docker_node.docker_is_as_kubelet_wants_it, docker_node.identity_is_made_here,
          docker_node.only_docker_speaks_for_containers, docker_node.firewall_is_left_alone,
          docker_node.preloaded_images_are_there, docker_node.pause_runs_in_its_scope, cri_dockerd_answers_at_its_socket,
          the_agent_takes_cri_dockerd, two_runtimes_need_a_choice, docker_node.powers_off)


def built():
    require_root()
    work = work_directory()
    try:
        image = build(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    say(["ok debian_13_docker: the recipe builds"])
    return image


def main():
    image = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else built()
    return 0 if docker_node.try_image("debian_13_docker", CHECKS, image) else 1


if __name__ == "__main__":
    sys.exit(main())
