#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""debian_12.py: the recipe debian-12 (Kubernetes 1.20 of Debian's source package, containerd 1.6), built into out/matrix: its kubeadm
reads what the agent writes for it."""
import subprocess
import sys

from built import DEBIAN_12, TOP, built

built(DEBIAN_12)
print("ok debian_12: the recipe builds", flush=True)
sys.exit(subprocess.run([TOP / "tests/e2e/kubeadm_config.py", "legacy"]).returncode)
