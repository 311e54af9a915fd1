#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker_native.py [TEMPLATE.tar.zst]: the recipe debian-13-docker as an unprivileged container on this host (harness/native.py): an init node
whose kubelet uses Docker by cri-dockerd does what a cluster must do (harness/cluster_checks.py), and again after a reboot.

NODEKILN_CRI_DOCKERD names a built cri-dockerd (docs/containers.md): many module proxies do not have it. Without it the test is skipped.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.cases import Failed, say
from harness.native import unavailable
from built import NODEKILN, OUT, TOP
from cluster.native import native
from cluster.native_cluster import NativeCluster
from cluster.nodes import INIT, watched

NAME, PROGRAM = "debian-13-docker", os.environ.get("NODEKILN_CRI_DOCKERD")
UNIT = "cri-docker"


def why_not():
    if not PROGRAM:
        return "NODEKILN_CRI_DOCKERD names no built cri-dockerd"
    if not os.path.isabs(PROGRAM) or not os.access(PROGRAM, os.X_OK):
        return f"NODEKILN_CRI_DOCKERD is {PROGRAM}, which is not the absolute path of a program"
    return unavailable()


def recipe():
    """The recipe as it is, except for where cri-dockerd comes from."""
    binary = {"url": f"file://{PROGRAM}", "sha256": hashlib.sha256(Path(PROGRAM).read_bytes()).hexdigest(), "path": "/usr/bin/cri-dockerd"}
    return {"include": [str(TOP / f"recipes/{NAME}.yaml")], "name": NAME, "components": {"cri-dockerd": None},
            "kubernetes": {"binaries": [binary]}, "overlays": {"base": ["cri-dockerd"]}, "units": {"base": [UNIT, f"{UNIT}.socket"]},
            "outputs": {"qcow2": {"enabled": False}}}


def build():
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "recipe.yaml"
        file.write_text(json.dumps(recipe()))
        subprocess.run([NODEKILN, "build", file, "--plain", "--out", OUT], cwd=TOP, check=True)
    say(["ok docker_native: the recipe builds"])
    return OUT / f"{NAME}.tar.zst"


def only_the_node_reaches_its_streams(cluster):
    """What exec and port-forward send goes through this port without a password."""
    said = cluster.lab[INIT].ask("ss -Hltnp | grep cri-dockerd")
    if not all(line.split()[3].startswith("127.0.0.1:") for line in said.splitlines()):
        raise Failed(said)


def docker_native(cluster):
    fine = native(cluster, "docker_native")
    only_the_node_reaches_its_streams(cluster)
    say([f"ok docker_native: {only_the_node_reaches_its_streams.__name__}"])
    return fine


def main():
    why = why_not()
    if why:
        say([f"skip docker_native: {why}"])
        return 0
    try:
        template = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else build()
        with NativeCluster(template, runtime="docker", roles={INIT: "init"}) as cluster:
            fine = watched("docker_native", docker_native, cluster)
    except (Failed, subprocess.CalledProcessError) as why:
        say([f"not ok docker_native: {why}"])
        return 1
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
