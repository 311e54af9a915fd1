#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""agent.py [DIRECTORY]: the agent as the images in a directory (out/) carry it: small, and joining a cluster on this host too."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
SIZE_MAX = 200 << 10


def shipped(template, work):
    subprocess.run(["tar", "--zstd", "-xf", template, "-C", work, "./usr/bin/nodekiln-agent"], check=True)
    return work / "usr/bin/nodekiln-agent"


def join(agent):
    """One case of tests/e2e/agent.py with this agent: a worker, registered at a fake PVE."""
    done = subprocess.run([TOP / "tests/e2e/agent.py", "worker finds its cluster at PVE 9"], env={**os.environ, "NODEKILN_AGENT": str(agent)},
                          capture_output=True, text=True)
    return done.stdout.strip()


def main():
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else TOP / "out")
    failed = not list(directory.glob("*.tar.zst"))
    if failed:
        print(f"not ok agent: no container template in {directory}; build an image first")
    for template in sorted(directory.glob("*.tar.zst")):
        with tempfile.TemporaryDirectory(prefix="nodekiln-agent-") as work:
            agent = shipped(template, Path(work))
            size = agent.stat().st_size
            failed |= size > SIZE_MAX
            print(f"{'not ok' if size > SIZE_MAX else 'ok'} {template.name}: the agent has {size} bytes"
                  + (f", more than {SIZE_MAX}" if size > SIZE_MAX else ""))
            said = join(agent)
            fine = said.startswith("ok ")
            failed |= not fine
            print(f"ok {template.name}: its agent joins" if fine else f"not ok {template.name}: its agent does not join: {said}")
    return 1 if failed else 0


sys.exit(main())
