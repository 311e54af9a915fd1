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
SIZE_MAX = 208 << 10
# Each one is memory of every node, and may bring others: see builder/toolchain/agent_libcurl.h before this list grows.
LIBRARIES = {"libblkid", "libc", "libcrypto", "libcurl", "libjson-c", "libmount", "libpcre2", "libselinux", "libssl", "libyaml"}
LOADER = "ld-linux-x86-64.so.2"
OF_THE_PROCESS = {"ld-linux-x86-64", "linux-vdso"}
OF_LIBCRYPTO = {"libz", "libzstd"}  # from Debian 13 on


def shipped(template, work):
    """With its libcurl if it has one of its own, laid out as in the guest."""
    subprocess.run(["tar", "--zstd", "-xf", template, "-C", work, "./usr/bin/nodekiln-agent"], check=True)
    subprocess.run(["tar", "--zstd", "-xf", template, "-C", work, "./usr/lib/nodekiln/libcurl.so.4"], capture_output=True)
    return work / "usr/bin/nodekiln-agent"


def own_libcurl(agent):
    return agent.parent.parent / "lib/nodekiln/libcurl.so.4"


def packaged_problems(template, agent):
    """agent.libcurl: packaged, or auto where the mirror lacks curl's source. The guest's libcurl is a package, and the loader's names
    are those that the agent itself is linked with."""
    listed = subprocess.run(["tar", "--zstd", "-tf", template], check=True, capture_output=True, text=True).stdout
    said = subprocess.run(["objdump", "-p", agent], check=True, capture_output=True, text=True).stdout
    needed = {re.split(r"(?:-[0-9])?\.so", name)[0] for name in re.findall(r"NEEDED +(\S+)", said)}
    problems = [f"{name} is linked" for name in sorted(needed - LIBRARIES)]
    return problems + ([] if re.search(r"/libcurl\.so\.4(\.|\n)", listed) else ["the guest has no libcurl"])


def library_problems(agent):
    """What the loader maps, of the libraries' own as well: names up to .so or the version."""
    said = subprocess.run(["ldd", agent], check=True, capture_output=True, text=True).stdout
    loaded = {re.split(r"(?:-[0-9])?\.so", Path(line.split()[0]).name)[0]: line for line in said.splitlines()}
    problems = [f"{name} is loaded" for name in sorted(loaded.keys() - LIBRARIES - OF_THE_PROCESS - OF_LIBCRYPTO)]
    problems += [f"{name} is not loaded" for name in sorted(LIBRARIES - loaded.keys())]
    own = own_libcurl(agent)
    found = re.search(r"=> (\S+)", loaded.get("libcurl", ""))
    return problems + ([] if found and Path(found[1]).resolve() == own.resolve() else [f"libcurl is not its own: {loaded.get('libcurl')}"])


def with_the_guests_libraries(template, work, agent):
    """A program that starts the agent with the libraries of its guest, whose libc may be newer than this host's."""
    guest = work / "guest"
    guest.mkdir()
    subprocess.run(["tar", "--zstd", "-xf", template, "-C", guest, "./usr/lib/x86_64-linux-gnu"], check=True)
    libraries = guest / "usr/lib/x86_64-linux-gnu"
    script = work / "nodekiln-agent"
    script.write_text(f'#!/bin/sh\nexec {libraries / LOADER} --library-path {libraries} --argv0 "$0" {agent} "$@"\n')
    script.chmod(0o755)
    return script


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
            own = own_libcurl(agent).exists()
            problems = library_problems(agent) if own else packaged_problems(template, agent)
            failed |= bool(problems)
            print(f"not ok {template.name}: the agent's libraries: {'; '.join(problems)}" if problems
                  else f"ok {template.name}: the agent loads {len(LIBRARIES)} libraries, libcurl its own" if own
                  else f"ok {template.name}: the agent is linked with what it uses, libcurl is the guest's package")
            said = join(with_the_guests_libraries(template, Path(work), agent))
            fine = said.startswith("ok ")
            failed |= not fine
            print(f"ok {template.name}: its agent joins" if fine else f"not ok {template.name}: its agent does not join: {said}")
    return 1 if failed else 0


sys.exit(main())
