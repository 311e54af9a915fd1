#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The golden configurations and command lines for kubeadm 1.20 (tests/golden/kubeadm/1.20, which the unit test keeps equal to what the
agent writes) before a real kubeadm: the one in the default recipe's LXC artifact. It runs in a directory of its own as its whole
world (chroot), so that nothing of the host can change: `config migrate` reads strictly and judges, `init --dry-run` goes through
the phases, and `join` comes as far as asking for the cluster."""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from kiln import TOP, Check, require_root

GOLDEN = TOP / "tests/golden/kubeadm/1.20"
NOBODY = "127.0.0.1:1"
CASES = [f"{role}-{kind}" for role in ("init", "control-plane", "worker") for kind in ("minimal", "full")]
# kubeadm says this of the empty world, not of its configuration.
WORLD = re.compile(r"cannot determine if systemd-resolved is active|overrides bindPort in the controlplane address")


class World:
    """A directory with kubeadm and nothing else."""

    def __init__(self, directory):
        self.root = directory / "root"
        (self.root / "tmp").mkdir(parents=True)
        (self.root / "etc/nodekiln/patches").mkdir(parents=True)
        archives = sorted((TOP / "out").glob("debian-12-*.tar.zst"), key=os.path.getmtime)
        if not archives:
            sys.exit("no out/debian-12-*.tar.zst; run `make image`")
        subprocess.run(["tar", "--zstd", "-xf", archives[-1], "-C", self.root, "./usr/bin/kubeadm"], check=True)

    def write(self, name, text):
        (self.root / name).write_text(text)

    def run(self, *argv):
        return subprocess.run(["chroot", self.root, *argv], capture_output=True, text=True, timeout=120)

    def dry_run_file(self, name):
        found = sorted((self.root / "etc/kubernetes/tmp").glob(f"kubeadm-init-dryrun*/{name}"), key=os.path.getmtime)
        return found[-1].read_text() if found else ""


def complaints(done):
    """What kubeadm warned of; it ends with 0 even when a field is unknown to it."""
    lines = [line for line in done.stderr.splitlines() if line.strip() and not WORLD.search(line)]
    return lines + ([f"exit status {done.returncode}"] if done.returncode else [])


def documents(text):
    return [json.loads(part) for part in text.split("\n---\n")]


def leaves(value):
    """Every text and number, but durations, which kubeadm writes in another way."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("ttl", "timeout", "timeoutForControlPlane"):
                yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield str(value)


def migrate_problems(world, case):
    """kubeadm reads it without a complaint, and every value is still there when kubeadm writes it."""
    text = (GOLDEN / f"{case}.conf").read_text()
    world.write("old", text)
    (world.root / "new").unlink(missing_ok=True)
    problems = complaints(world.run("/usr/bin/kubeadm", "config", "migrate", "--old-config", "/old", "--new-config", "/new"))
    if problems:
        return problems
    kept = (world.root / "new").read_text()
    ours = [d for d in documents(text) if d["apiVersion"].startswith("kubeadm.")]
    return [f"lost: {leaf}" for leaf in leaves(ours) if leaf not in kept]


def detects_problems(world):
    """The check above can fail."""
    world.write("old", (GOLDEN / "worker-full.conf").read_text().replace("kubeletExtraArgs", "kubeletExtraArgz"))
    done = world.run("/usr/bin/kubeadm", "config", "migrate", "--old-config", "/old", "--new-config", "/new")
    return [] if any("unknown field" in line for line in complaints(done)) else ["an unknown field went unnoticed: " + done.stderr[-200:]]


def argv_of(case, conf):
    argv = (GOLDEN / f"{case}.argv").read_text().split("\n")[:-1]
    argv[argv.index("--config") + 1] = conf
    return ["/usr/bin/" + argv[0], *argv[1:]]


def init_problems(world, case):
    """The whole of init as a dry run; its upload-certs fails in any dry run of 1.20."""
    world.write("conf", (GOLDEN / f"{case}.conf").read_text())
    argv = [a + ",upload-certs" if a.startswith("--skip-phases=") else a for a in argv_of(case, "/conf")]
    done = world.run(*argv, "--dry-run")
    problems = complaints(done)
    said = done.stdout
    if "0ffeec0ffeec0ff" in said + done.stderr:
        problems.append("kubeadm printed a secret")
    flags = world.dry_run_file("kubeadm-flags.env")
    kubelet = world.dry_run_file("config.yaml")
    wanted = {"kubeadm-flags.env": (flags, ["--container-runtime=remote"]), "config.yaml": (kubelet, ["cgroupDriver: systemd"])}
    if case == "init-full":
        wanted["kubeadm-flags.env"][1].extend(["--node-labels=rack=7,node.kubernetes.io/disk=nvme", "--node-ip=10.0.0.21", "--max-pods=200",
                                               "--provider-id=proxmox://home/104"])
        wanted["output"] = (said, ["api.lab", "n1.lab", "10.64.0.1", "--cluster-cidr=10.32.0.0/16"])
    for name, (text, pieces) in wanted.items():
        problems += [f"{name} has no {piece}" for piece in pieces if piece not in text]
    return problems


def join_problems(world, case):
    """Nobody is there, so it ends where it asks for the cluster: configuration and flags were fine up to there."""
    conf = (GOLDEN / f"{case}.conf").read_text()
    endpoint = documents(conf)[0]["discovery"]["bootstrapToken"]["apiServerEndpoint"]
    conf = re.sub(r'"timeout": "\w+"', '"timeout": "1s"', conf.replace(endpoint, NOBODY))
    world.write("conf", conf)
    done = world.run(*argv_of(case, "/conf"))
    if done.returncode and "couldn't validate the identity of the API Server" in done.stderr and "connection refused" in done.stderr:
        return [line for line in done.stderr.splitlines() if "unknown field" in line]
    return [f"exit status {done.returncode}: {done.stderr.strip()[-300:]}"]


def main():
    require_root()
    check = Check()
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        check("a wrong field is noticed", detects_problems(world))
        for case in CASES:
            check(f"{case} is read by kubeadm", migrate_problems(world, case))
        for case in CASES:
            check(f"{case} runs", (init_problems if case.startswith("init") else join_problems)(world, case))
    sys.exit(1 if check.failed else 0)


main()
