#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kubernetes.source binaries: release files from a server of our own, by sha256: programs, an archive, one file of an archive, with what
the project's packages would have brought along; and a file that is not what the recipe says."""
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile

from harness.build_env import NETWORK, RECIPE, TRUST, BuildEnv, Check, require_root, sentences, work_directory
from harness.repository import Server

VERSION = "1.34.1"
# kubeadm is asked for its pause image while building; the others only have to arrive.
PROGRAMS = {
    "kubelet": "#!/bin/sh\necho Kubernetes v1.34.1\n",
    "kubeadm": "#!/bin/sh\necho registry.k8s.io/etcd:3.6.4-0\necho registry.k8s.io/pause:3.10.1\n",
    "kubectl": "#!/bin/sh\n",
    "containerd": "#!/bin/sh\n",
}
EXPECTED_FILES = {  # in the tarball: (mode, a piece of the content)
    "usr/bin/kubelet": (0o755, "Kubernetes v1.34.1"),
    "usr/bin/kubeadm": (0o755, "pause:3.10.1"),
    "usr/bin/kubectl": (0o755, ""),
    "usr/bin/containerd": (0o755, ""),
    "opt/cni/bin/bridge": (0o755, "a plugin"),
    "usr/bin/cri-dockerd": (0o755, "one of many"),
    "usr/lib/systemd/system/kubelet.service": (0o644, "ExecStart=/usr/bin/kubelet"),
    "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": (0o644, "EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env"),
    "etc/default/kubelet": (0o644, "KUBELET_EXTRA_ARGS="),
}
WHERE = {"cni-plugins.tgz": "/opt/cni/bin", "cri-dockerd.tgz": "/usr/bin/cri-dockerd, member: cri-dockerd/cri-dockerd"}
EXPECTED_DIRECTORIES = ["etc/kubernetes/manifests", "var/lib/kubelet"]


def make_release(directory):
    directory.mkdir()
    for name, text in PROGRAMS.items():
        (directory / name).write_text(text)
    make_archive(directory / "cni-plugins.tgz", {"./bridge": b"a plugin"})
    make_archive(directory / "cri-dockerd.tgz", {"cri-dockerd/LICENSE": b"text", "cri-dockerd/cri-dockerd": b"one of many"})


def make_archive(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.mode, member.size = 0o755, len(data)
            archive.addfile(member, io.BytesIO(data))


def recipe_keys(url, directory, change=None):
    """change: a file whose sha256 in the recipe is another one's."""
    keys = ("architecture: amd64\nruntime: containerd\noutputs:\n  qcow2: {enabled: false}\n"
            f"kubernetes:\n  source: binaries\n  version: {VERSION}\n  binaries:\n")
    for path in sorted(directory.iterdir()):
        data = b"another file" if path.name == change else path.read_bytes()
        where = WHERE.get(path.name, f"/usr/bin/{path.name}")
        keys += f"    - {{url: '{url}/release/{path.name}', sha256: {hashlib.sha256(data).hexdigest()}, path: {where}}}\n"
    return keys


def read_tarball(path):
    listing = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE)
    found = {}
    with tarfile.open(fileobj=listing.stdout, mode="r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if name in EXPECTED_FILES and member.isfile():
                found[name] = (member.mode, archive.extractfile(member).read().decode())
            elif name in EXPECTED_DIRECTORIES and member.isdir():
                found[name] = member.mode
    listing.wait()
    return found


def tarball_problems(path):
    found = read_tarball(path)
    problems = [f"{name} is missing" for name in [*EXPECTED_FILES, *EXPECTED_DIRECTORIES] if name not in found]
    for name, (mode, text) in EXPECTED_FILES.items():
        if name in found and (found[name][0] != mode or text not in found[name][1]):
            problems.append(f"{name} is {found[name]}")
    return problems


def failure_problems(done, code, *words):
    problems = [] if done.returncode == code else [f"exit status {done.returncode}, expected {code}: {done.stderr.strip()}"]
    said = sentences(done.stderr)
    return problems + ([] if len(said) == 1 and all(w in said[0] for w in words) else [f"it said {said}, expected {words}"])


def main():
    require_root()
    check, work = Check(), work_directory()
    try:
        release = work / "release"
        make_release(release)
        with Server(work) as server:
            kiln = BuildEnv(work / "good", recipe_keys(server.url, release))
            done = kiln.build()
            problems = [] if done.returncode == 0 else [done.stderr.strip()]
            check("binaries are installed as packages would be", problems or tarball_problems(kiln.out / "small.tar.zst"))
            kiln = BuildEnv(work / "changed", recipe_keys(server.url, release, change="kubelet"))
            check("a binary with another sha256 is refused", failure_problems(kiln.build(), TRUST, "kubelet", "sha256"))
            keys = recipe_keys(server.url, release, change="kubectl").replace("release/kubectl", "release/absent")
            kiln = BuildEnv(work / "absent", keys)
            check("a binary that is not there is named", failure_problems(kiln.build(), NETWORK, "release/absent"))
            keys = recipe_keys(server.url, release).replace("member: cri-dockerd/cri-dockerd", "member: cri-dockerd/other")
            kiln = BuildEnv(work / "member", keys)
            check("an archive without the file is named", failure_problems(kiln.build(), RECIPE, "cri-dockerd.tgz", "cri-dockerd/other"))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return check.failed > 0


if __name__ == "__main__":
    sys.exit(main())
