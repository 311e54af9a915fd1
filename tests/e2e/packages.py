#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kubernetes.source packages, the whole way: from a signed flat repository of the community's layout, served on loopback, to an
artifact in which dpkg knows them; and the same repository signed by another key. What the cache has recompressed is to dpkg-deb what it
was."""
import hashlib
import json
import shutil
import subprocess
import sys

from harness.build_env import TRUST, BuildEnv, Check, read_members, require_root, sentences, work_directory
from harness.repository import Flat, Key, Server

PROGRAMS = {
    "kubelet": "#!/bin/sh\necho Kubernetes v1.34.2\n",
    "kubeadm": "#!/bin/sh\necho registry.k8s.io/etcd:3.6.4-0\necho registry.k8s.io/pause:3.10.1\n",
    "kubectl": "#!/bin/sh\n",
    "cri-tools": "#!/bin/sh\n",
}
REPACKED = 20  # packages that are looked at
STATUS, ABOUT, KUBELET = "./var/lib/dpkg/status", "./etc/nodekiln/image.json", "./usr/bin/kubelet"


def make_repository(directory, key):
    """Two releases of one minor; the newest is wanted."""
    directory.mkdir(parents=True)
    repository = Flat(directory)
    for version in ("1.34.1-1.1", "1.34.2-1.1"):
        for name, program in PROGRAMS.items():
            repository.add(name, version, files={f"usr/bin/{name}": program})
    repository.write(key)
    (directory / "Release.key").write_bytes(key.armored())
    return repository


def recipe_keys(url, fingerprint):
    return ("architecture: amd64\nruntime: containerd\npackages: {base: [containerd]}\noutputs:\n  qcow2: {enabled: false}\n"
            "kubernetes: {source: packages, version: '1.34', packages: [cri-tools]}\n"
            f"repositories:\n  - {{url: '{url}/v{{minor}}/deb/', suite: /, key_url: '{url}/v{{minor}}/deb/Release.key', "
            f"key_fingerprint: {fingerprint}}}\n")


def artifact_problems(kiln):
    found = read_members(kiln.out / "small.tar.zst", (STATUS, ABOUT, KUBELET))
    problems = [f"{name} is missing" for name in (STATUS, ABOUT, KUBELET) if name not in found]
    if problems:
        return problems
    for name in PROGRAMS:
        if f"Package: {name}\nStatus: install ok installed\n" not in found[STATUS]:
            problems.append(f"dpkg does not know {name} as installed")
    about = json.loads(found[ABOUT])
    if about["kubernetes"] != {"source": "packages", "version": "1.34.2"} or about["pause_image"] != "registry.k8s.io/pause:3.10.1":
        problems.append(f"image.json says {about['kubernetes']}, {about['pause_image']}")
    return problems if found[KUBELET] == PROGRAMS["kubelet"] else [*problems, "kubelet is another program"]


def to_dpkg(path):
    """A package's fields and the digest of its files."""
    fields = subprocess.run(["dpkg-deb", "--field", path], capture_output=True, check=True).stdout
    return fields, hashlib.sha256(subprocess.run(["dpkg-deb", "--fsys-tarfile", path], capture_output=True, check=True).stdout).digest()


def repacked_problems(cache):
    small = sorted((p for p in (cache / "repacked").iterdir()), key=lambda p: (p.stat().st_size, p.name))[:REPACKED]
    problems = [f"only {len(small)} packages are recompressed"] if len(small) < REPACKED else []
    return problems + [f"{p.name} is another package now" for p in small if to_dpkg(p) != to_dpkg(cache / "files" / p.name)]


def main():
    require_root()
    check, work = Check(), work_directory()
    keys = []
    try:
        keys = [Key(work, "ours"), Key(work, "theirs")]
        repository = make_repository(work / "served/v1.34/deb", keys[0])
        with Server(work / "served") as server:
            kiln = BuildEnv(work / "good", recipe_keys(server.url, keys[0].fingerprint))
            done = kiln.build()
            check("packages of a signed flat repository are in the artifact",
                  artifact_problems(kiln) if done.returncode == 0 else [done.stderr.strip()])
            check("packages that were recompressed are what they were", repacked_problems(kiln.cache))
            repository.write(keys[1])
            kiln = BuildEnv(work / "other", recipe_keys(server.url, keys[0].fingerprint))
            done = kiln.build("--update")
            said = sentences(done.stderr)
            check("the repository signed by another key is refused",
                  [] if done.returncode == TRUST and len(said) == 1 and not (kiln.out / "small.tar.zst").exists()
                  else [f"exit status {done.returncode}, it said {said}"])
    finally:
        for key in keys:
            key.stop()
        shutil.rmtree(work, ignore_errors=True)
    return check.failed > 0


if __name__ == "__main__":
    sys.exit(main())
