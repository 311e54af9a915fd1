#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small container templates, one good and each of the others wrong in one way: `nodekiln verify` must find exactly that."""
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
GATE = 9

ABOUT = {"artifact": "lxc", "runtime": "containerd", "kubernetes": {"source": "packages", "version": "1.34.1"},
         "pause_image": "registry/pause:3.10", "images": ["registry/pause:3.10"], "units": ["containerd", "kubelet.service", "getty@tty1.service", "static.socket"]}
CONFIG = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "registry/pause:3.10"\n'
WANTED = "[Unit]\n[Install]\nWantedBy=multi-user.target\n"
STORE = "./var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"
UNITS, ETC = "./usr/lib/systemd/system/", "./etc/systemd/system/"


class Link(str):
    pass


class Device:
    pass


class Directory:
    pass


GOOD = {
    "./etc/machine-id": "", "./etc/debian_version": "12.1\n", "./etc/os-release": "ID=debian\n", "./bin/sh": "x", "./sbin/init": "x",
    "./etc/shadow": "root:*:1::::::\nsshd:!:1::::::\n", "./etc/nodekiln/image.json": json.dumps(ABOUT),
    STORE: "bolt registry/pause:3.10 bolt",
    "./etc/containerd/config.toml": CONFIG, "./usr/bin/kubelet": "x", "./usr/bin/kubeadm": "x", "./usr/bin/kubectl": "x",
    UNITS + "containerd.service": WANTED, UNITS + "kubelet.service": WANTED, UNITS + "getty@.service": WANTED,
    UNITS + "static.socket": "[Unit]\n", "./var/log": Directory(), "./tmp": Directory(),
    ETC + "multi-user.target.wants/containerd.service": Link("/usr/lib/systemd/system/containerd.service"),
    ETC + "multi-user.target.wants/kubelet.service": Link("/usr/lib/systemd/system/kubelet.service"),
    ETC + "getty.target.wants/getty@tty1.service": Link("/usr/lib/systemd/system/getty@.service"),
}

# name: (what is added or replaced; None removes), and the findings' beginnings
CASES = {
    "good": ({}, []),
    "machine-id": ({"./etc/machine-id": "0123456789abcdef0123456789abcdef\n"}, ["/etc/machine-id is not empty"]),
    "no machine-id": ({"./etc/machine-id": None}, ["/etc/machine-id is missing"]),
    "host key": ({"./etc/ssh/ssh_host_rsa_key": "k"}, ["/etc/ssh/ssh_host_rsa_key exists"]),
    "root's key": ({"./root/.ssh/authorized_keys": "k"}, ["/root/.ssh/authorized_keys exists"]),
    "password": ({"./etc/shadow": "root:$y$x:1::::::\n"}, ["/etc/shadow: root has a password hash"]),
    "no password": ({"./etc/shadow": "root::1::::::\n"}, ["/etc/shadow: root has an empty password"]),
    "log": ({"./var/log/apt/term.log": "l"}, ["/var/log/apt/term.log exists"]),
    "seed": ({"./var/lib/cloud/seed/nocloud/user-data": "u"}, ["/var/lib/cloud/seed exists"]),
    "cluster credential": ({"./etc/kubernetes/admin.conf": "c"}, ["/etc/kubernetes/admin.conf exists"]),
    "resolv.conf": ({"./etc/resolv.conf": "nameserver 192.0.2.1\n"}, ["/etc/resolv.conf is not empty"]),
    "resolv.conf link": ({"./etc/resolv.conf": Link("/run/x")}, []),
    "unit off": ({ETC + "multi-user.target.wants/kubelet.service": None}, ["unit kubelet.service is not enabled"]),
    "instance off": ({ETC + "getty.target.wants/getty@tty1.service": None}, ["unit getty@tty1.service is not enabled"]),
    "unit missing": ({UNITS + "containerd.service": None}, ["unit containerd.service is not in the image"]),
    "unit masked": ({ETC + "containerd.service": Link("/dev/null")}, ["unit containerd.service is masked"]),
    "pause image": ({"./etc/containerd/config.toml": CONFIG.replace("3.10", "3.2")},
                    ["containerd's sandbox image is registry/pause:3.2, kubeadm's pause image is registry/pause:3.10"]),
    "no containerd config": ({"./etc/containerd/config.toml": None}, ["/etc/containerd/config.toml is missing"]),
    "no image store": ({STORE: None}, ["the image registry/pause:3.10 is listed as preloaded"]),
    "another image": ({STORE: "bolt registry/pause:3.9 bolt"}, ["the image registry/pause:3.10 is listed as preloaded"]),
    "no kubeadm": ({"./usr/bin/kubeadm": None}, ["/usr/bin/kubeadm is missing"]),
    "not ours": ({"./etc/nodekiln/image.json": None}, ["/etc/nodekiln/image.json is missing"]),
    "broken json": ({"./etc/nodekiln/image.json": "{"}, ["/etc/nodekiln/image.json"]),
    "a vm's tree": ({"./etc/nodekiln/image.json": json.dumps({**ABOUT, "artifact": "vm"})}, ["/etc/nodekiln/image.json says"]),
    "device": ({"./dev/null": Device()}, ["member ./dev/null is a device node"]),
    "no os-release": ({"./etc/os-release": None}, ["/etc/os-release is missing"]),
    "no debian_version": ({"./etc/debian_version": None}, ["/etc/debian_version is missing"]),
}
# The same for Docker.
DOCKER_STORE, DOCKER_ID = "./var/lib/docker/image/overlay2/", "3a" * 32
DOCKER_IMAGES = {"Repositories": {"registry:5000/pause": {"registry:5000/pause:3.10": f"sha256:{DOCKER_ID}"}}}
CRI_DOCKERD = "[Service]\nExecStart=/usr/bin/cri-dockerd --pod-infra-container-image=registry:5000/pause:3.10\n"
DOCKER = {
    **GOOD, STORE: None, "./etc/containerd/config.toml": None,
    "./etc/nodekiln/image.json": json.dumps({**ABOUT, "runtime": "docker", "pause_image": "registry:5000/pause:3.10",
                                             "images": ["registry:5000/pause:3.10"]}),
    "./etc/systemd/system/cri-docker.service": CRI_DOCKERD,
    DOCKER_STORE + "repositories.json": json.dumps(DOCKER_IMAGES), f"{DOCKER_STORE}imagedb/content/sha256/{DOCKER_ID}": "{}",
}
NOT_PRELOADED = "the image registry:5000/pause:3.10 is listed as preloaded, but Docker's store lacks it"
DOCKER_CASES = {
    "Docker": ({}, []),
    "dockershim": ({"./etc/systemd/system/cri-docker.service": None}, []),
    "Docker without store": ({DOCKER_STORE + "repositories.json": None}, [NOT_PRELOADED]),
    "Docker's broken store": ({DOCKER_STORE + "repositories.json": "{"}, ["/var/lib/docker/image/overlay2", NOT_PRELOADED]),
    "Docker's other image": ({DOCKER_STORE + "repositories.json": json.dumps(DOCKER_IMAGES).replace("3.10", "3.9")}, [NOT_PRELOADED]),
    "Docker's name without image": ({f"{DOCKER_STORE}imagedb/content/sha256/{DOCKER_ID}": None}, [NOT_PRELOADED]),
    "Docker's key": ({"./etc/docker/key.json": "{}"}, ["/etc/docker/key.json exists"]),
    "Docker's identity": ({"./var/lib/docker/engine-id": "i"}, ["/var/lib/docker/engine-id exists"]),
    "Docker's networks": ({"./var/lib/docker/network/files/local-kv.db": "n"}, ["/var/lib/docker/network exists"]),
    "a container": ({"./var/lib/docker/containers/c": "c"}, ["/var/lib/docker/containers exists"]),
    "cri-dockerd's pause image": ({"./etc/systemd/system/cri-docker.service": CRI_DOCKERD.replace("3.10", "3.1")},
                                  ["/etc/systemd/system/cri-docker.service does not give cri-dockerd kubeadm's pause image"]),
}
# name: a change of one member's header, and the finding
HEADERS = {
    "absolute": (lambda m: setattr(m, "name", "/etc/x"), "member /etc/x is not below ./"),
    "plain": (lambda m: setattr(m, "name", "etc/x"), "member etc/x is not below ./"),
    "large id": (lambda m: setattr(m, "uid", 65536), "member ./etc/x belongs to an id beyond 65535"),
}


def member(name, what):
    m = tarfile.TarInfo(name)
    m.mode = 0o755
    if isinstance(what, Link):
        m.type, m.linkname = tarfile.SYMTYPE, what
    elif isinstance(what, Device):
        m.type, m.devmajor, m.devminor = tarfile.CHRTYPE, 1, 3
    elif isinstance(what, Directory):
        m.type = tarfile.DIRTYPE
    else:
        m.size = len(what)
    return m, io.BytesIO(what.encode() if m.isreg() else b"")


def template(path, tree, extra=None):
    kept = {name: what for name, what in tree.items() if what is not None}
    parents = {str(p) for name in kept for p in Path(name).parents if str(p) != "."}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, what in sorted({**{f"./{p}": Directory() for p in parents}, **kept}.items()):
            m, data = member(name, what)
            tar.addfile(m, data)
        if extra:
            m, data = member("./etc/x", "x")
            extra(m)
            tar.addfile(m, data)


def findings(path):
    done = subprocess.run([NODEKILN, "verify", "--json", path], capture_output=True, text=True)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return [f"exit status {done.returncode}, {done.stderr.strip()}"]
    found = answer["files"][0]["findings"]
    if done.returncode != (GATE if found else 0) or answer["passed"] != (not found):
        found.append(f"exit status {done.returncode}")
    return found


def result(name, found, want):
    fine = len(found) == len(want) and all(f.startswith(w) for f, w in zip(found, want))
    print(f"ok verify: {name}" if fine else f"not ok verify: {name}: found {found}, want {want}")
    return fine


def check_sums(work, path):
    hexes = hashlib.sha256(path.read_bytes()).hexdigest()
    for name, line, want in (("sum matches", f"{hexes}  {path.name}\n", []),
                             ("sum differs", f"{'0' * 64}  {path.name}\n", ["its sha256 is"]),
                             ("no sum", f"{hexes}  other\n", ["SHA256SUMS in its directory has no line for"])):
        (work / "SHA256SUMS").write_text(line)
        yield result(name, findings(path), want)


def main():
    with tempfile.TemporaryDirectory(prefix="nodekiln-verify-") as work:
        work, fine = Path(work), True
        path = work / "case.tar"
        for name, (changes, want) in CASES.items():
            template(path, {**GOOD, **changes})
            fine &= result(name, findings(path), want)
        for name, (changes, want) in DOCKER_CASES.items():
            template(path, {**DOCKER, **changes})
            fine &= result(name, findings(path), want)
        for name, (change, want) in HEADERS.items():
            template(path, GOOD, change)
            fine &= result(name, findings(path), [want])
        template(path, GOOD)
        fine &= all(list(check_sums(work, path)))
    return 0 if fine else 1


sys.exit(main())
