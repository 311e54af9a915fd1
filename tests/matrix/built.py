# SPDX-License-Identifier: Apache-2.0
"""Artifacts of recipes other than the default one, in out/matrix. Not a test itself: the tests of the matrix use it."""
import os
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
OUT = TOP / "out/matrix"
DEBIAN_12, DOCKER = "debian-12", "debian-12-docker"
PVE_HOST, DOCKER_HOST = "tests/recipes/pve-host.yaml", "tests/recipes/docker-host.yaml"
DEBIAN_CONTAINER = "tests/recipes/debian-container.yaml"
HARDWARE, HARDWARE_CLOUD, HARDWARE_12 = (f"tests/recipes/{name}.yaml" for name in ("hardware", "hardware-cloud", "hardware-12"))
NAMES = {HARDWARE: "hardware", HARDWARE_CLOUD: "hardware-cloud", HARDWARE_12: "hardware-12", DEBIAN_12: "debian-12-k8s-1.20-eol", DOCKER: "debian-12-docker-k8s-1.20-eol", PVE_HOST: "pve-host", DOCKER_HOST: "docker-host", DEBIAN_CONTAINER: "debian-container"}


def built(recipe, kind="qcow2"):
    """The recipe's artifact, up to date; kind: how its name ends."""
    subprocess.run([NODEKILN, "build", recipe, "--plain", "--out", OUT], cwd=TOP, check=True)
    return OUT / f"{NAMES[recipe]}.{kind}"
