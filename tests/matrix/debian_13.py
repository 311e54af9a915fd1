#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""debian_13.py: Debian 13 without Kubernetes (tests/recipes/debian-13.yaml), built into out/matrix and booted by the tests of
tests/image: its cloud-init is three years younger than Debian 12's and runs its stages in one process."""
import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
DIRECTORY = TOP / "out/matrix/debian-13"


def main():
    build = [NODEKILN, "build", "tests/recipes/debian-13.yaml", "--plain", "--out", DIRECTORY]
    if subprocess.run(build, cwd=TOP).returncode != 0:
        print("not ok debian_13: the recipe does not build")
        return 1
    print("ok debian_13: the recipe builds", flush=True)
    return subprocess.run([TOP / "tests/image/seed.py", DIRECTORY]).returncode


sys.exit(main())
