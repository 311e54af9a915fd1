#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker.py [IMAGE.qcow2]: the recipe debian-12-docker (built into out/matrix when no image is given), booted: Docker as kubelet
1.20 wants it, with the images that were put into its store when building, and containers that run from them. Then the recipe is
built twice from nothing: both times Docker's store must come out the same."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.build_env import private_cache, work_directory
from harness.cases import matches, same, say
from harness.process import digest
import docker_node
from built import DOCKER, NAMES, NODEKILN, TOP, built
from docker_node import about, image_of

EPOCH = "1700000000"


def builds_are_equal():
    directory, digests = work_directory(), set()
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "NODEKILN_CACHE": str(private_cache(directory))}
    try:
        for out in (directory / "first", directory / "second"):
            shutil.rmtree(directory / "cache/trees", ignore_errors=True)
            done = subprocess.run([NODEKILN, "build", DOCKER, "--plain", "--out", out, "--set", "outputs.qcow2.enabled=false"],
                                  cwd=TOP, env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                say([f"not ok docker: {builds_are_equal.__name__}: {done.stderr.strip()[-400:]}"])
                return False
            digests.add(digest(out / f"{NAMES[DOCKER]}.tar.zst"))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    say([f"{'ok' if len(digests) == 1 else 'not ok'} docker: {builds_are_equal.__name__}"])
    return len(digests) == 1


def containers_run_from_them(node):
    """The API server's image is one layer, kube-proxy's is on top of another one, which is what overlay2 must put together."""
    version = f"Kubernetes v{about(node)['kubernetes']['version']}"
    run = f"{docker_node.DOCKER} run --rm --network none"
    same(node.ask(f"{run} {image_of(node, 'kube-apiserver')} --version"), version)
    same(node.ask(f"{run} {image_of(node, 'kube-proxy')} --version"), version)
    matches(node.ask(f"{run} --entrypoint iptables {image_of(node, 'kube-proxy')} --version"), "iptables v.*nf_tables.*")


CHECKS = (docker_node.passes_the_gate, docker_node.no_unit_failed, docker_node.docker_is_as_kubelet_wants_it,
          docker_node.identity_is_made_here, docker_node.only_docker_speaks_for_containers, docker_node.firewall_is_left_alone,
          docker_node.preloaded_images_are_there, containers_run_from_them, docker_node.pause_runs_in_its_scope,
          docker_node.powers_off)


def main():
    image = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else built(DOCKER)
    fine = docker_node.try_image("docker", CHECKS, image)
    return 0 if builds_are_equal() and fine else 1


if __name__ == "__main__":
    sys.exit(main())
