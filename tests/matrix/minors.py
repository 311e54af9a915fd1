#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""minors.py [MINOR]...: the default recipe with each supported minor of Kubernetes (1.35 1.36 1.37 when none is given), built into
out/matrix: native clusters of three nodes do what tests/cluster/native.py asks of them."""
import subprocess
import sys

from harness.cases import Failed, say
from harness.native import unavailable
from built import NODEKILN, OUT, TOP
from cluster.native import native
from cluster.native_cluster import NativeCluster
from cluster.nodes import watched

RECIPE, MINORS = "debian-13", ("1.35", "1.36", "1.37")


def build(minor):
    """The container template; None: it does not build."""
    out = OUT / f"kubernetes-{minor}"
    argv = [NODEKILN, "build", RECIPE, "--set", f"components.kubernetes={minor}", "--set", "outputs.qcow2.enabled=false", "--plain",
            "--out", out]
    if subprocess.run(argv, cwd=TOP).returncode != 0:
        return None
    return max(out.glob("*.tar.zst"), key=lambda p: p.stat().st_mtime)


def try_minor(minor):
    title, archive = f"minors {minor}", build(minor)
    if not archive:
        say([f"not ok {title}: the recipe does not build"])
        return False
    try:
        with NativeCluster(archive) as cluster:
            fine = watched(title, lambda c: native(c, title), cluster)
        say([f"ok {title}: this host is as it was"])
        return fine
    except Failed as why:
        say([f"not ok {title}: {why}"])
        return False


def main():
    why = unavailable()
    if why:
        say([f"skip minors: {why}"])
        return 0
    return 0 if all([try_minor(minor) for minor in sys.argv[1:] or MINORS]) else 1


if __name__ == "__main__":
    sys.exit(main())
