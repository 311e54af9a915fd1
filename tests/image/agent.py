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

from harness import agent_image as image
from harness.cases import report

TOP = Path(__file__).resolve().parent.parent.parent
# Each one is memory of every node, and may bring others: see builder/toolchain/agent_libcurl.h before this list grows.
LIBRARIES = {"libblkid", "libc", "libcrypto", "libcurl", "libjson-c", "libssl", "libyaml"}
OF_THE_PROCESS = {"ld-linux-x86-64", "linux-vdso"}
OF_LIBCRYPTO = {"libz", "libzstd"}  # from Debian 13 on


def own_libcurl(agent):
    return agent.parent.parent / "lib/nodekiln/libcurl.so.4"


def packaged_problems(template, agent):
    """agent.libcurl: packaged, or auto where the mirror lacks curl's source. The guest's libcurl is a package, and the loader's names
    are those that the agent itself is linked with."""
    listed = subprocess.run(["tar", "--zstd", "-tf", template], check=True, capture_output=True, text=True).stdout
    needed = {re.split(r"(?:-[0-9])?\.so", name)[0] for name in image.needed(agent)}
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


def join(agent):
    """One case of tests/e2e/agent.py with this agent: a worker, registered at a fake PVE."""
    done = subprocess.run([TOP / "tests/e2e/agent.py", "worker finds its cluster at PVE 9"], env={**os.environ, "NODEKILN_AGENT": str(agent)},
                          capture_output=True, text=True)
    return done.stdout.strip()


def link_problems(template, agent):
    """How it is linked, and what is wrong with that."""
    if image.is_static(agent):
        return f"has libcurl and Mbed TLS in itself, and loads {len(image.STATIC_LIBRARIES)} libraries", image.static_problems(template, agent)
    if own_libcurl(agent).exists():
        return f"loads {len(LIBRARIES)} libraries, libcurl its own", library_problems(agent)
    return "is linked with what it uses, libcurl is the guest's package", packaged_problems(template, agent)


def memory(template, agent, program, work):
    """Only an agent on Mbed TLS can be so small; OpenSSL alone takes more. tests/e2e/agent_static.py makes one in any case."""
    if not image.is_static(agent):
        print(f"skip {template.name}: the agent's peak memory: it has no Mbed TLS (agent.libcurl: packaged, or Debian 12)")
        return True
    peak = image.peak_kib(program, work / "peak")
    return report(f"{template.name}: the agent's peak memory: {peak} KiB",
                  [f"more than {image.PEAK_MIB} MiB"] if peak > image.PEAK_MIB << 10 else [])


def check_template(template, work):
    agent = image.shipped(template, work)
    size, limit = agent.stat().st_size, image.STATIC_SIZE_MAX if image.is_static(agent) else image.SIZE_MAX
    fine = report(f"{template.name}: the agent has {size} bytes", [f"more than {limit}"] if size > limit else [])
    how, problems = link_problems(template, agent)
    fine &= report(f"{template.name}: the agent {how}", problems)
    program = image.with_the_guests_libraries(template, work, agent)
    fine &= memory(template, agent, program, work)
    said = join(program)
    return fine & report(f"{template.name}: its agent joins", [] if said.startswith("ok ") else [said])


def main():
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else TOP / "out")
    fine = bool(list(directory.glob("*.tar.zst")))
    if not fine:
        print(f"not ok agent: no container template in {directory}; build an image first")
    for template in sorted(directory.glob("*.tar.zst")):
        with tempfile.TemporaryDirectory(prefix="nodekiln-agent-") as work:
            fine &= check_template(template, Path(work))
    return 0 if fine else 1


sys.exit(main())
