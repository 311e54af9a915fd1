#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""debian_13_docker.py [IMAGE]: the recipe debian-13-docker (built into out/matrix when no image is given), booted: Docker 26 as kubelet wants it, its store
preloaded, cri-dockerd started by its socket, and the agent's choice between it and containerd.

What the recipe takes from outside Debian's mirrors is served on loopback, from a signed repository and as a release's archive:
kubelet, kubeadm and kubectl are stubs, and so is cri-dockerd, unless NODEKILN_CRI_DOCKERD names a real one. So no pod runs here.
"""
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from harness.build_env import require_root, work_directory
from harness.cases import Failed, say
from harness.repository import Flat, Key, Server
import docker_node
from built import NODEKILN, OUT, TOP
from docker_node import about

NAME, VERSION, PAUSE = "debian-13-docker", "1.35.2", "registry.k8s.io/pause:3.10.1"
CRI_DOCKERD, CONTAINERD = "unix:///run/cri-dockerd.sock", "unix:///run/containerd/containerd.sock"
KUBEADM = f'#!/bin/sh\n[ "$1" = version ] && echo v{VERSION} || echo {PAUSE}\n'
PACKAGES = {  # name: (version, what it depends on, files)
    "kubelet": (f"{VERSION}-1.1", "iptables, kubernetes-cni, mount, util-linux", {
        "usr/bin/kubelet": "#!/bin/sh\n",
        "usr/lib/systemd/system/kubelet.service": "[Service]\nExecStart=/usr/bin/kubelet\n[Install]\nWantedBy=multi-user.target\n"}),
    "kubeadm": (f"{VERSION}-1.1", "", {"usr/bin/kubeadm": KUBEADM}),
    "kubectl": (f"{VERSION}-1.1", "", {"usr/bin/kubectl": "#!/bin/sh\n"}),
    "cri-tools": ("1.35.0-1.1", "", {"usr/bin/crictl": "#!/bin/sh\n"}),
    "kubernetes-cni": ("1.7.1-1.1", "", {"opt/cni/bin/loopback": "#!/bin/sh\n"}),
}
PAUSE_C = "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n"


def compiled(source, path):
    """Without libraries, as programs from elsewhere are."""
    subprocess.run(["gcc", "-static", "-Os", "-s", "-x", "c", "-o", path, "-"], input=source, text=True, check=True)
    return path.read_bytes()


def tar_of(files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def docker_archive(name, program):
    """What `docker save` writes of an image with one program."""
    layer = tar_of({"pause": program})
    config = {"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/pause"]},
              "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}}
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    return tar_of({"config.json": json.dumps(config).encode(), "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()})


def serve_kubernetes(directory, key):
    directory.mkdir(parents=True)
    repository = Flat(directory)
    for name, (version, depends, files) in PACKAGES.items():
        repository.add(name, version, depends=depends, files=files)
    repository.write(key)
    (directory / "Release.key").write_bytes(key.armored())


def serve_cri_dockerd(file, work):
    """Returns its digest."""
    real = os.environ.get("NODEKILN_CRI_DOCKERD")
    source = (Path(__file__).parent / "cri_dockerd.c").read_text()
    program = Path(real).read_bytes() if real else compiled(source, work / "cri-dockerd")
    with tarfile.open(file, "w:gz") as archive:
        member = tarfile.TarInfo("cri-dockerd/cri-dockerd")
        member.size, member.mode = len(program), 0o755
        archive.addfile(member, io.BytesIO(program))
    return hashlib.sha256(file.read_bytes()).hexdigest()


def recipe(url, key, cri_dockerd, archive):
    """The recipe as it is, except for where things come from."""
    binary = {"url": f"{url}/cri-dockerd.tgz", "sha256": cri_dockerd, "member": "cri-dockerd/cri-dockerd", "path": "/usr/bin/cri-dockerd"}
    repository = {"url": f"{url}/v{{minor}}/deb/", "suite": "/", "key_url": f"{url}/v{{minor}}/deb/Release.key",
                  "key_fingerprint": key.fingerprint}
    return json.dumps({"include": [str(TOP / f"recipes/{NAME}.yaml")], "override": ["repositories", "kubernetes.binaries"],
                       "name": NAME, "repositories": [repository], "kubernetes": {"binaries": [binary]},
                       "agent": {"libcurl": "packaged"},  # mirrors for tests may lack sources
                       "images": {"archives": [str(archive)]}, "outputs": {"tarball": {"enabled": False}}})


def build(work):
    key = Key(work, "kubernetes")
    try:
        serve_kubernetes(work / "served/v1.35/deb", key)
        archive, file = work / "pause.tar", work / "recipe.yaml"
        archive.write_bytes(docker_archive(PAUSE, compiled(PAUSE_C, work / "pause")))
        with Server(work / "served") as server:
            file.write_text(recipe(server.url, key, serve_cri_dockerd(work / "served/cri-dockerd.tgz", work), archive))
            subprocess.run([NODEKILN, "build", file, "--plain", "--out", OUT], check=True)
    finally:
        key.stop()
    return OUT / f"{NAME}.qcow2"


def cri_dockerd_answers_at_its_socket(node):
    node.ask("systemctl is-active cri-docker.socket && sudo -n test -S /run/cri-dockerd.sock")
    unit = node.ask("systemctl show -p ActiveState -p ExecStart -p NRestarts cri-docker.service")
    for word in ("ActiveState=active", "NRestarts=0", f"--pod-infra-container-image={PAUSE}"):
        if word not in unit:
            raise Failed(f"{word} is not in {unit}")
    return node.ask("sudo -n journalctl --no-pager -o cat -n 5 -u cri-docker.service").splitlines()


def dry_run(node, keys):
    """What the agent would do with such a configuration."""
    text = json.dumps({"cluster": "lab", "role": "init", **keys})
    node.ask(f"echo '{text}' | sudo -n sh -c 'umask 077 && cat >/etc/nodekiln/node.yaml'")
    return node.ask("sudo -n nodekiln-agent run --dry-run")


def expect(said, *words):
    for word in words:
        if word not in said:
            raise Failed(f"{word} is not in {said}")


def the_agent_takes_cri_dockerd(node):
    """containerd's CRI is off, and the image says what it was built for."""
    expect(dry_run(node, {}), f'"criSocket": "{CRI_DOCKERD}"', "kubeadm.k8s.io/v1beta4", '"cgroupDriver": "systemd"')


def two_runtimes_need_a_choice(node):
    """As in an image of another maker."""
    node.ask("sudo -n mv /etc/nodekiln/image.json /etc/containerd/config.toml /root/")
    said = dry_run(node, {})
    expect(said, "fatal: both containerd and cri-dockerd are installed; say which one")
    if "criSocket" in said:
        raise Failed("the agent has chosen all the same")
    for socket in (CONTAINERD, CRI_DOCKERD):
        said = dry_run(node, {"cri_socket": socket})
        expect(said, f'"criSocket": "{socket}"')
        if "both containerd" in said:
            raise Failed(f"{socket} is no choice")


def the_image_says_what_is_in_it(node):
    image = about(node)
    if (image["runtime"], image["kubernetes"]["version"], image["pause_image"]) != ("docker", VERSION, PAUSE):
        raise Failed(json.dumps(image))


CHECKS = (docker_node.passes_the_gate, docker_node.no_unit_failed, the_image_says_what_is_in_it,
          docker_node.docker_is_as_kubelet_wants_it, docker_node.identity_is_made_here,
          docker_node.only_docker_speaks_for_containers, docker_node.firewall_is_left_alone,
          docker_node.preloaded_images_are_there, docker_node.pause_runs_in_its_scope, cri_dockerd_answers_at_its_socket,
          the_agent_takes_cri_dockerd, two_runtimes_need_a_choice, docker_node.powers_off)


def built():
    require_root()
    work = work_directory()
    try:
        image = build(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    say(["ok debian_13_docker: the recipe builds"])
    return image


def main():
    image = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else built()
    return 0 if docker_node.try_image("debian_13_docker", CHECKS, image) else 1


if __name__ == "__main__":
    sys.exit(main())
