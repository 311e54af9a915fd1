# SPDX-License-Identifier: Apache-2.0
"""The agent of a container template: how it is linked, and what memory it needs on this host, with the libraries of its guest."""
import os
import re
import subprocess

from harness import agent_cases as cases
from harness.agent_env import runtime_socket

LOADER = "ld-linux-x86-64.so.2"
SIZE_MAX = 256 << 10
STATIC_SIZE_MAX = 1400 << 10  # Mbed TLS is a MiB of it; only pages that are used are in memory
STATIC_LIBRARIES = {"libblkid.so.1", "libc.so.6", LOADER}
LICENCES = {f"./usr/share/doc/{name}/copyright" for name in ("nodekiln-libcurl", *(f"nodekiln-agent/{package}" for package in (
    "libmbedtls-dev", "libyaml-dev", "libjson-c-dev")))}
PEAK_MIB = 4


def shipped(template, work):
    """With its libcurl if it has one of its own, laid out as in the guest."""
    subprocess.run(["tar", "--zstd", "-xf", template, "-C", work, "./usr/bin/nodekiln-agent"], check=True)
    subprocess.run(["tar", "--zstd", "-xf", template, "-C", work, "./usr/lib/nodekiln/libcurl.so.4"], capture_output=True)
    return work / "usr/bin/nodekiln-agent"


def needed(agent):
    """What the agent itself is linked with."""
    said = subprocess.run(["objdump", "-p", agent], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"NEEDED +(\S+)", said))


def is_static(agent):
    """Whether it has libcurl and its TLS library in itself."""
    return not any(name.startswith("libcurl") for name in needed(agent))


def static_problems(template, agent):
    listed = subprocess.run(["tar", "--zstd", "-tf", template], check=True, capture_output=True, text=True).stdout.splitlines()
    problems = [f"{name} is linked" for name in sorted(needed(agent) - STATIC_LIBRARIES)]
    problems += [f"{name} is missing" for name in sorted(LICENCES - set(listed))]
    return problems + (["the guest has a libcurl of the agent"] if "./usr/lib/nodekiln/libcurl.so.4" in listed else [])


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


def kib(text, name):
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1])


def peak_kib(agent, work, role="join"):
    """The most memory (VmHWM) that the agent has had when it called a program last, with a conversation over TLS to Proxmox VE, and one
    to the API server, before. role: "join" or "init"."""
    os.environ["NODEKILN_AGENT"] = str(agent)
    work.mkdir()
    bench = cases.Bench(work)
    config, files = (cases.JOIN, {}) if role == "join" else (cases.INIT, {"etc/nodekiln/manifests/a.yaml": "kind: ConfigMap\n"})
    with cases.proxmox(101) as pve:
        guest = bench.guest(config + cases.section(pve, 101), files={**cases.guest_files(101), **files})
        with runtime_socket(guest):
            cases.must_finish(guest, guest.run())
    bench.api.close()
    return max(kib(call["parent"]["status"], "VmHWM") for call in guest.calls())
