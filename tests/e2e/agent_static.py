#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whom the agent trusts, on OpenSSL and on Mbed TLS, by the same cases; and the agent of Debian 13 that is linked with Mbed TLS: its
memory, its libraries, what manifest and SBOM say of them, and the unit tests of what it has instead of OpenSSL."""
import shutil
import subprocess
import sys
from pathlib import Path

from harness import agent_image as image
from harness import tls_cases
from harness.build_env import TOP, Check, require_root, work_directory
from harness.static_agent import StaticAgent

UNIT_TESTS = ("hash", "certificate", "http_session")
STATIC = ("libmbedtls-dev", "libyaml-dev", "libjson-c-dev")
# In a mount namespace of its own, where other files are at these places.
PRIVATE = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/ssl/certs/ca-certificates.crt && shift 2 && exec "$@"', "sh"]


def host_program(work):
    program = work / "trust"
    libraries = subprocess.run(["pkg-config", "--cflags", "--libs", "libcurl", "yaml-0.1", "json-c", "libssl", "libcrypto"], check=True,
                               capture_output=True, text=True).stdout.split()
    subprocess.run(["gcc", "-std=gnu17", "-O1", "-I.", "-D_GNU_SOURCE", "-pthread", "-o", program, "tests/agent/trust.c",
                    TOP / "out/libnodekiln.a", *libraries], check=True, cwd=TOP)
    return program


def on_openssl(check, work, authority, cases):
    hosts, system = work / "hosts", authority.directory / "system.crt"
    hosts.write_text("127.0.0.1 " + " ".join(tls_cases.HOSTS) + "\n")
    argv = [*PRIVATE, hosts, system, host_program(work)]
    run = lambda *arguments: subprocess.run([*argv, *map(str, arguments)], capture_output=True, text=True, timeout=60).stdout.strip()
    check(f"OpenSSL: {len(cases)} servers", [p for case in cases for p in tls_cases.problems(run, authority, case, 0)])


def on_mbedtls(check, agent, authority, cases):
    etc, pki = agent.root / "etc", agent.root / "pki"
    (etc / "ssl/certs").mkdir(parents=True, exist_ok=True)
    (etc / "hosts").write_text("127.0.0.1 " + " ".join(tls_cases.HOSTS) + "\n")
    shutil.copy(authority.directory / "system.crt", etc / "ssl/certs/ca-certificates.crt")
    agent.compile("trust", "tests/agent/trust.c")

    def run(*arguments):
        shutil.copytree(authority.directory, pki, dirs_exist_ok=True)
        inside = [str(a).replace(str(authority.directory), "/pki") for a in arguments]
        return agent.run("./trust", *inside).stdout.strip()

    check(f"Mbed TLS: {len(cases)} servers", [p for case in cases for p in tls_cases.problems(run, authority, case, 1)])


def unit_tests(check, agent):
    for name in UNIT_TESTS:
        agent.compile(f"test_{name}", f"tests/unit/test_{name}.c")
        done = agent.run(f"./test_{name}")
        lines = done.stdout.splitlines()
        problems = [line for line in lines if line.startswith(("not ok", "#", "skip"))]
        problems += [] if done.returncode == 0 and any(line.startswith("ok ") for line in lines) else [f"exit status {done.returncode}: {done.stderr[-300:]}"]
        check(f"Mbed TLS: tests/unit/test_{name}.c", problems)


def named_problems(agent):
    """The manifest's versions and the SBOM's packages are those of the toolchain that was used."""
    locked = {p["name"]: p for p in agent.manifest["lock"]["packages"]["toolchain"]}
    packages = {p["SPDXID"]: p for p in agent.sbom["packages"] if p["SPDXID"].startswith("SPDXRef-static-")}
    contained = {r["relatedSpdxElement"] for r in agent.sbom["relationships"] if r["relationshipType"] == "CONTAINS"}
    for name in STATIC:
        version = locked[name]["version"]
        if agent.manifest["versions"].get("nodekiln-" + name.removesuffix("-dev")) != version:
            yield f"the manifest has no version of {name}"
        found = [i for i, p in packages.items() if p["name"] == name and p["versionInfo"] == version
                 and p["checksums"][0]["checksumValue"] == locked[name]["sha256"]]
        if len(found) != 1 or found[0] not in contained:
            yield f"the SBOM has not {name} {version}"
    if "nodekiln-libcurl" not in agent.manifest["versions"]:
        yield "the manifest has no version of libcurl"


def memory(check, agent, program):
    for role in ("join", "init"):
        peak = image.peak_kib(program, agent.work / role, role)
        name = f"the agent's peak memory, {role}: {peak} KiB"
        check(name, [f"more than {image.PEAK_MIB} MiB"] if peak > image.PEAK_MIB << 10 else [])


def main():
    require_root()
    check, work = Check(), work_directory()
    try:
        authority, cases = tls_cases.make_cases(work / "pki")
        on_openssl(check, work, authority, cases)
        agent = StaticAgent(work)
        guest = work / "guest-of-template"
        guest.mkdir()
        program = image.shipped(agent.template, guest)
        check("the agent's libraries" + (f" (curl from {agent.own_source})" if agent.own_source else ""),
              image.static_problems(agent.template, program))
        size = program.stat().st_size
        check(f"the agent's size: {size} bytes", [f"more than {image.STATIC_SIZE_MAX}"] if size > image.STATIC_SIZE_MAX else [])
        check("manifest and SBOM name what is linked", list(named_problems(agent)))
        memory(check, agent, image.with_the_guests_libraries(agent.template, guest, program))
        agent.tree()
        on_mbedtls(check, agent, authority, cases)
        unit_tests(check, agent)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return check.failed > 0


if __name__ == "__main__":
    sys.exit(main())
