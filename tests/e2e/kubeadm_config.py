#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kubeadm_config.py [legacy]: the golden configurations (tests/golden/kubeadm, which the unit test keeps equal to what the agent
writes) before real programs. What each version gets is compared with the fields that the published references of v1beta3 and v1beta4
name, and `kubeadm config validate` of the LXC artifacts in out/, and of those that NODEKILN_KUBEADM names (FILE:FILE), reads the
golden files of its minor; the default recipe's must be among them.

legacy: kubeadm 1.20 of the recipe debian-12 (in out/matrix; matrix/debian_12.py calls it) instead. It runs in a directory of its own
as its whole world (chroot), so that nothing of the host can change: `config migrate` reads strictly and validates, `init --dry-run`
goes through the phases, and `join` comes as far as asking for the cluster."""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.build_env import TOP, Check, require_root

GOLDEN = TOP / "tests/golden/kubeadm/1.20"
NO_SERVER = "127.0.0.1:1"
CASES = [f"{role}-{kind}" for role in ("init", "control-plane", "worker") for kind in ("minimal", "full")]
# The fields that the agent may use, and their kinds: a type's name, [kind] for a list, {kind} for a map.
FIELDS = {
    "InitConfiguration": {"bootstrapTokens": ["Token"], "certificateKey": "text", "localAPIEndpoint": "Endpoint",
                          "nodeRegistration": "Registration", "skipPhases": ["text"], "patches": "Patches"},
    "JoinConfiguration": {"discovery": "Discovery", "controlPlane": "ControlPlane", "nodeRegistration": "Registration",
                          "skipPhases": ["text"], "patches": "Patches"},
    "ClusterConfiguration": {"clusterName": "text", "kubernetesVersion": "text", "controlPlaneEndpoint": "text",
                             "networking": "Networking", "encryptionAlgorithm": "text", "apiServer": "Program", "controllerManager": "Program",
                             "scheduler": "Program", "etcd": "Etcd", "dns": "Image"},
    "Token": {"token": "text", "ttl": "duration", "usages": ["text"], "groups": ["text"]},
    "Endpoint": {"advertiseAddress": "text", "bindPort": "number"},
    "Registration": {"name": "text", "criSocket": "text", "taints": ["Taint"], "ignorePreflightErrors": ["text"]},
    "Taint": {"key": "text", "value": "text", "effect": "text"},
    "Patches": {"directory": "text"},
    "Etcd": {"local": "LocalEtcd"},
    "LocalEtcd": {"imageTag": "text"},
    "Program": {},
    "Image": {"imageTag": "text"},
    "Discovery": {"bootstrapToken": "BootstrapToken"},
    "BootstrapToken": {"apiServerEndpoint": "text", "token": "text", "caCertHashes": ["text"]},
    "ControlPlane": {"localAPIEndpoint": "Endpoint", "certificateKey": "text"},
    "Networking": {"podSubnet": "text", "serviceSubnet": "text", "dnsDomain": "text"},
    "Argument": {"name": "text", "value": "text"},
    "Timeouts": dict.fromkeys(("controlPlaneComponentHealthCheck", "kubeletHealthCheck", "kubernetesAPICall", "discovery",
                               "tlsBootstrap"), "duration"),
}
OWN_FIELDS = {
    "v1beta3": {"ClusterConfiguration": {"apiServer": "Server"}, "Server": {"extraArgs": {"text"}, "timeoutForControlPlane": "duration"},
                "Program": {"extraArgs": {"text"}}, "LocalEtcd": {"extraArgs": {"text"}},
                "Registration": {"kubeletExtraArgs": {"text"}}, "Discovery": {"timeout": "duration"}},
    "v1beta4": {"Program": {"extraArgs": ["Argument"]}, "LocalEtcd": {"extraArgs": ["Argument"]},
                "Registration": {"kubeletExtraArgs": ["Argument"]}, "InitConfiguration": {"timeouts": "Timeouts"},
                "JoinConfiguration": {"timeouts": "Timeouts"}},
}
API_OF = {"1.28": "v1beta3"} | dict.fromkeys(("1.31", "1.34", "1.35", "1.36", "1.37"), "v1beta4")
# kubeadm says this of the empty world, not of its configuration.
WORLD = re.compile(r"cannot determine if systemd-resolved is active|overrides bindPort in the controlplane address")


class World:
    """A directory with kubeadm and nothing else."""

    def __init__(self, directory):
        self.root = directory / "root"
        (self.root / "tmp").mkdir(parents=True)
        (self.root / "etc/nodekiln/patches").mkdir(parents=True)
        archives = sorted((TOP / "out/matrix").glob("debian-12-k8s-*.tar.zst"), key=os.path.getmtime)
        if not archives:
            sys.exit("no out/matrix/debian-12-k8s-*.tar.zst; run tests/matrix/debian_12.py")
        subprocess.run(["tar", "--zstd", "-xf", archives[-1], "-C", self.root, "./usr/bin/kubeadm"], check=True)

    def write(self, name, text):
        (self.root / name).write_text(text)

    def run(self, *argv):
        return subprocess.run(["chroot", self.root, *argv], capture_output=True, text=True, timeout=120)

    def dry_run_file(self, name):
        found = sorted((self.root / "etc/kubernetes/tmp").glob(f"kubeadm-init-dryrun*/{name}"), key=os.path.getmtime)
        return found[-1].read_text() if found else ""


def messages(done):
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
    """kubeadm reads it without an error, and every value is still there when kubeadm writes it."""
    text = (GOLDEN / f"{case}.conf").read_text()
    world.write("old", text)
    (world.root / "new").unlink(missing_ok=True)
    problems = messages(world.run("/usr/bin/kubeadm", "config", "migrate", "--old-config", "/old", "--new-config", "/new"))
    if problems:
        return problems
    kept = (world.root / "new").read_text()
    ours = [d for d in documents(text) if d["apiVersion"].startswith("kubeadm.")]
    return [f"lost: {leaf}" for leaf in leaves(ours) if leaf not in kept]


def detects_problems(world):
    """The check above can fail."""
    world.write("old", (GOLDEN / "worker-full.conf").read_text().replace("kubeletExtraArgs", "kubeletExtraArgz"))
    done = world.run("/usr/bin/kubeadm", "config", "migrate", "--old-config", "/old", "--new-config", "/new")
    return [] if any("unknown field" in line for line in messages(done)) else ["an unknown field went unnoticed: " + done.stderr[-200:]]


def argv_of(case, conf):
    argv = (GOLDEN / f"{case}.argv").read_text().split("\n")[:-1]
    argv[argv.index("--config") + 1] = conf
    return ["/usr/bin/" + argv[0], *argv[1:]]


def init_problems(world, case):
    """The whole of init as a dry run; its upload-certs fails in any dry run of 1.20."""
    world.write("conf", (GOLDEN / f"{case}.conf").read_text())
    argv = [a + ",upload-certs" if a.startswith("--skip-phases=") else a for a in argv_of(case, "/conf")]
    done = world.run(*argv, "--dry-run")
    problems = messages(done)
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
    """No server is there, so it ends where it asks for the cluster: configuration and flags were fine up to there."""
    conf = (GOLDEN / f"{case}.conf").read_text()
    endpoint = documents(conf)[0]["discovery"]["bootstrapToken"]["apiServerEndpoint"]
    conf = re.sub(r'"timeout": "\w+"', '"timeout": "1s"', conf.replace(endpoint, NO_SERVER))
    world.write("conf", conf)
    done = world.run(*argv_of(case, "/conf"))
    if done.returncode and "couldn't validate the identity of the API Server" in done.stderr and "connection refused" in done.stderr:
        return [line for line in done.stderr.splitlines() if "unknown field" in line]
    return [f"exit status {done.returncode}: {done.stderr.strip()[-300:]}"]


def misfits(api, kind, value, path):
    """What of value is not of this kind."""
    if isinstance(kind, list):
        inner = value if isinstance(value, list) else [None]
        return [m for i, v in enumerate(inner) for m in misfits(api, kind[0], v, f"{path}[{i}]")]
    if isinstance(kind, set):
        inner = value if isinstance(value, dict) else {"": None}
        return [m for k, v in inner.items() for m in misfits(api, *kind, v, f"{path}.{k}")]
    if kind == "number":
        return [] if type(value) is int else [f"{path}: {value!r} is no number"]
    if kind in ("text", "duration"):
        form = r"(?=.)(\d+h)?(\d+m)?(\d+s)?" if kind == "duration" else r"[^\0]*"
        return [] if isinstance(value, str) and re.fullmatch(form, value) else [f"{path}: {value!r} is no {kind}"]
    known = {**FIELDS.get(kind, {}), **OWN_FIELDS[api].get(kind, {})}
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is no {kind}"]
    return [m for k, v in value.items() for m in (misfits(api, known[k], v, f"{path}.{k}") if k in known else [f"{path}: no field {k}"])]


def field_problems(version):
    problems = []
    for file in sorted((GOLDEN.parent / version).glob("*.conf")):
        for document in documents(file.read_text()):
            group, api = document.pop("apiVersion").split("/")
            kind = document.pop("kind")
            if group == "kubeadm.k8s.io":
                problems += [f"{file.name} is {api}"] if api != API_OF[version] else misfits(api, kind, document, f"{file.name}: {kind}")
    return problems


def other_kubeadms(directory):
    """{minor: program}: those of NODEKILN_KUBEADM and of the artifacts of other recipes than the default one."""
    files = [Path(f) for f in os.environ.get("NODEKILN_KUBEADM", "").split(":") if f]
    for number, archive in enumerate(sorted((TOP / "out").glob("*.tar.zst"), key=os.path.getmtime)):
        (directory / str(number)).mkdir()
        if subprocess.run(["tar", "--zstd", "-xf", archive, "-C", directory / str(number), "./usr/bin/kubeadm"],
                          capture_output=True).returncode == 0:
            files.append(directory / str(number) / "usr/bin/kubeadm")
    found = {}
    for file in files:
        said = subprocess.run([file, "version", "-o", "short"], capture_output=True, text=True, timeout=60).stdout
        if minor := re.match(r"v(1\.\d+)\.", said):
            found[minor[1]] = file
    return found


def validate_problems(program, version, directory):
    """kubeadm validates strictly: every golden file of its minor is right, and one with a misspelt field is not."""
    problems = []
    files = sorted((GOLDEN.parent / version).glob("*.conf"))
    wrong = directory / "wrong.conf"
    wrong.write_text(files[0].read_text().replace('"nodeRegistration"', '"nodeRegistratiom"'))
    for file in [*files, wrong]:
        done = subprocess.run([program, "config", "validate", "--config", file], capture_output=True, text=True, timeout=60)
        if (done.returncode == 0) == (file == wrong):
            problems.append(f"{file.name}: exit status {done.returncode}: {done.stderr.strip()[-300:]}")
    return problems


def validations(check, directory):
    kubeadms = other_kubeadms(directory)
    found = [version for version, api in API_OF.items() if api == "v1beta4" and version in kubeadms]
    check("out/ has a kubeadm whose golden files are here", [] if found else [f"found: {sorted(kubeadms)}; run `make image`"])
    for version in found:
        check(f"kubeadm {version} validates", validate_problems(kubeadms[version], version, directory))


def legacy(check, directory):
    world = World(directory)
    check("a wrong field is noticed", detects_problems(world))
    for case in CASES:
        check(f"{case} is read by kubeadm", migrate_problems(world, case))
    for case in CASES:
        check(f"{case} runs", (init_problems if case.startswith("init") else join_problems)(world, case))


def main():
    require_root()
    check = Check()
    with tempfile.TemporaryDirectory() as directory:
        if sys.argv[1:] == ["legacy"]:
            legacy(check, Path(directory))
        else:
            for version in API_OF:
                check(f"kubeadm {version} gets fields that it has", field_problems(version))
            validations(check, Path(directory))
    sys.exit(1 if check.failed else 0)


main()
