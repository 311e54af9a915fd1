#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""agent.py [DIRECTORY]: the agent as the images in a directory (out/) carry it: small, with few libraries, and joining a cluster on
this host too."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
SIZE_MAX = 200 << 10
# Each one is memory of every node, and may bring others: see builder/toolchain/agent_libcurl.h before this list grows.
LIBRARIES = {"libblkid", "libc", "libcrypto", "libcurl", "libjson-c", "libmount", "libpcre2", "libselinux", "libssl", "libyaml"}
OF_THE_PROCESS = {"ld-linux-x86-64", "linux-vdso"}
OF_LIBCRYPTO = {"libz", "libzstd"}  # from Debian 13 on


def shipped(template, work):
    """With its libcurl, laid out as in the guest."""
    subprocess.run(["tar", "--zstd", "-xf", template, "-C", work, "./usr/bin/nodekiln-agent", "./usr/lib/nodekiln"], check=True)
    return work / "usr/bin/nodekiln-agent"


def library_problems(agent):
    """What the loader maps, of the libraries' own as well: names up to .so or the version."""
    said = subprocess.run(["ldd", agent], check=True, capture_output=True, text=True).stdout
    loaded = {re.split(r"(?:-[0-9])?\.so", Path(line.split()[0]).name)[0]: line for line in said.splitlines()}
    problems = [f"{name} is loaded" for name in sorted(loaded.keys() - LIBRARIES - OF_THE_PROCESS - OF_LIBCRYPTO)]
    problems += [f"{name} is not loaded" for name in sorted(LIBRARIES - loaded.keys())]
    own = agent.parent.parent / "lib/nodekiln/libcurl.so.4"
    found = re.search(r"=> (\S+)", loaded.get("libcurl", ""))
    return problems + ([] if found and Path(found[1]).resolve() == own.resolve() else [f"libcurl is not its own: {loaded.get('libcurl')}"])


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
            problems = library_problems(agent)
            failed |= bool(problems)
            print(f"not ok {template.name}: the agent's libraries: {'; '.join(problems)}" if problems
                  else f"ok {template.name}: the agent loads {len(LIBRARIES)} libraries, libcurl its own")
            said = join(agent)
            fine = said.startswith("ok ")
            failed |= not fine
            print(f"ok {template.name}: its agent joins" if fine else f"not ok {template.name}: its agent does not join: {said}")
    return 1 if failed else 0


sys.exit(main())
