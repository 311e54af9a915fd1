#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""emulated.py: cluster/full_chain.py with the default recipe's image: two emulated virtual machines with a current Kubernetes. Where
there is no KVM this needs a host with nothing else to do: a starved API server fails its liveness probe and is restarted."""
import subprocess
import sys

from built import TOP

sys.exit(subprocess.run([TOP / "tests/cluster/full_chain.py", TOP / "out/debian-13.qcow2"]).returncode)
