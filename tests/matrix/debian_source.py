#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The component kubernetes from debian-source: what the recipe debian-12 compiles. The programs are static, so they run here; the image archive is
read member by member. Compiles (minutes) when the cache has nothing yet."""
import hashlib
import json
import os
import subprocess
import sys
import tarfile

from harness.build_env import DEFAULT_CACHE, NODEKILN, Check, require_root, work_directory

VERSION = "v1.20.2"
RECIPE = "debian-12"
SAYS = {  # program: (arguments, what it must print)
    "kubelet": (["--version"], f"Kubernetes {VERSION}"),
    "kubeadm": (["version", "--output", "short"], VERSION),
    "kubectl": (["version", "--client", "--short"], f"Client Version: {VERSION}"),
}
# Image name: the command that kubeadm's static pod or DaemonSet runs in it.
COMMANDS = {
    "kube-apiserver": "usr/local/bin/kube-apiserver",
    "kube-controller-manager": "usr/local/bin/kube-controller-manager",
    "kube-scheduler": "usr/local/bin/kube-scheduler",
    "kube-proxy": "usr/local/bin/kube-proxy",
    "etcd": "usr/bin/etcd",
    "pause": "pause",
}
LAYER_LIMIT = 64 << 20  # bytes of the shared Debian layer


def artifacts():
    """Other directories with a kubeadm are from Go modules, whose images are elsewhere."""
    found = sorted((DEFAULT_CACHE / "artifacts").glob("*/images/control-plane.tar"), key=os.path.getmtime)
    return found[-1].parent.parent if found else None


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)


def program_problems(directory, name):
    arguments, wanted = SAYS[name]
    done = run(directory / "bin" / name, *arguments)
    linked = subprocess.run(["file", "-b", directory / "bin" / name], capture_output=True, text=True).stdout
    problems = [] if "statically linked" in linked else [f"not static: {linked.strip()}"]
    return problems + ([] if done.stdout.strip() == wanted else [f"it said {done.stdout.strip()!r} {done.stderr.strip()[-200:]!r}"])


def trap_problems(directory):
    """The vendored reflect2 makes kubeadm panic here under a new Go, though it compiles."""
    done = run(directory / "bin/kubeadm", "config", "print", "init-defaults", "--component-configs", "KubeletConfiguration")
    return [] if done.returncode == 0 and "kind: KubeletConfiguration" in done.stdout else [done.stderr.strip()[-300:]]


class Archive:
    """The image layout: blobs by digest, with the names of what is in each layer."""

    def __init__(self, path):
        self.problems, self.documents, self.layers, self.sizes = [], {}, {}, {}
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile():
                    self.read(archive, member)

    def read(self, archive, member):
        name = member.name.removeprefix("./")
        data = archive.extractfile(member).read()
        digest = hashlib.sha256(data).hexdigest()
        if name.startswith("blobs/") and name != f"blobs/sha256/{digest}":
            self.problems.append(f"{name} has sha256 {digest}")
        self.sizes[f"sha256:{digest}"] = len(data)
        if data[:1] in b"{[":
            self.documents[f"sha256:{digest}" if name.startswith("blobs/") else name] = json.loads(data)
            return
        import io
        with tarfile.open(fileobj=io.BytesIO(data)) as layer:
            self.layers[f"sha256:{digest}"] = {m.name.removeprefix("./").rstrip("/") for m in layer}

    def images(self):
        """{reference: (config, layers)}"""
        for entry in self.documents["index.json"]["manifests"]:
            manifest = self.documents[entry["digest"]]
            yield (entry["annotations"]["io.containerd.image.name"], self.documents[manifest["config"]["digest"]],
                   [layer["digest"] for layer in manifest["layers"]])


def image_problems(archive, references):
    problems, seen = list(archive.problems), {}
    for reference, config, layers in archive.images():
        name = reference.rpartition("/")[2].partition(":")[0]
        seen[reference] = layers
        files = set().union(*(archive.layers[layer] for layer in layers))
        if config["rootfs"]["diff_ids"] != layers:
            problems.append(f"{reference}: diff ids are not its layers")
        if COMMANDS[name] not in files:
            problems.append(f"{reference} has no {COMMANDS[name]}")
    wanted = {r for r in references if not r.rpartition("/")[2].startswith("coredns:")}
    return problems + ([] if set(seen) == wanted else [f"images {sorted(seen)}, kubeadm wants {sorted(wanted)}"])


def layer_problems(archive):
    layers = {reference.rpartition("/")[2].partition(":")[0]: layers for reference, _, layers in archive.images()}
    problems = [] if layers["etcd"][0] == layers["kube-proxy"][0] else ["etcd and kube-proxy do not share their layer"]
    size = archive.sizes[layers["etcd"][0]]
    problems += [] if size <= LAYER_LIMIT else [f"the shared layer has {size} bytes"]
    return problems + [f"{name} is in the layer" for name in ("usr/share/doc", "usr/bin/perl") if name in archive.layers[layers["etcd"][0]]]


def docker_problems(archive):
    listed = {entry["RepoTags"][0]: entry["Layers"] for entry in archive.documents["manifest.json"]}
    wanted = {reference: [layer.replace("sha256:", "blobs/sha256/") for layer in layers] for reference, _, layers in archive.images()}
    return [] if listed == wanted else [f"manifest.json has {listed}"]


def main():
    require_root()
    check = Check()
    if not artifacts():
        work = work_directory()
        done = subprocess.run([NODEKILN, "build", RECIPE, "--out", work, "--plain"], capture_output=True, text=True)
        subprocess.run(["rm", "-rf", work], check=True)
        check("the recipe debian-12 compiles Kubernetes", [] if done.returncode == 0 else [done.stderr.strip()[-1000:]])
        if done.returncode:
            return 1
    directory = artifacts()
    for name in SAYS:
        check(f"the compiled {name} runs", program_problems(directory, name))
    check("kubeadm reads and writes a kubelet configuration", trap_problems(directory))
    references = run(directory / "bin/kubeadm", "config", "images", "list", "--kubernetes-version", VERSION).stdout.split()
    archive = Archive(directory / "images/control-plane.tar")
    check("the images are what kubeadm asks for, and hold their commands", image_problems(archive, references))
    check("etcd and kube-proxy share one small layer", layer_problems(archive))
    check("docker finds the same layers", docker_problems(archive))
    return check.failed > 0


if __name__ == "__main__":
    sys.exit(main())
