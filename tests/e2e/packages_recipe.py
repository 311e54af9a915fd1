#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`nodekiln lock` of the recipe debian-13-packages, with copies of its files that name repositories on loopback, laid out as those of
Kubernetes and Docker: the minor that is requested chooses the repository of Kubernetes, its key and the version of its packages."""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from harness.build_env import work_directory
from harness.cases import Failed, report, same
from harness.repository import ARCHITECTURE, Flat, Key, Packages, Server

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
RECIPE, KUBERNETES, DOCKER = "debian-13-packages", "https://pkgs.k8s.io/core:/stable:", "https://download.docker.com"
MINORS = {"1.36": "1.36.6", "1.37": "1.37.2"}


class Component(Packages):
    """dists/trixie/stable, as Docker has it."""

    def write(self, key):
        dist, name = self.root / "dists/trixie", f"stable/binary-{ARCHITECTURE}/Packages"
        (dist / name).parent.mkdir(parents=True)
        (dist / name).write_text("".join(self.stanzas))
        self.release(dist, [name], key, "Origin: test\nSuite: trixie\nCodename: trixie\nArchitectures: amd64\nComponents: stable\n")


def serve(served, keys):
    for minor, newest in MINORS.items():
        directory = served / f"kubernetes/v{minor}/deb"
        directory.mkdir(parents=True)
        flat = Flat(directory)
        for name in ("kubelet", "kubeadm", "kubectl"):
            for version in (f"{minor}.0", newest):
                flat.add(name, f"{version}-1.1", depends="kubernetes-cni" if name == "kubelet" else "")
        flat.add("cri-tools", f"{minor}.0-1.1")
        flat.add("kubernetes-cni", "1.9.1-1.1")
        flat.write(keys["kubernetes"])
        (directory / "Release.key").write_bytes(keys["kubernetes"].armored())
    directory = served / "docker/linux/debian"
    directory.mkdir(parents=True)
    docker = Component(directory)
    for version in ("2.2.9", "2.3.6", "2.3.7"):
        docker.add("containerd.io", f"{version}-1~debian.13~trixie", fields="Provides: containerd, runc\nConflicts: containerd, runc\n")
    docker.write(keys["docker"])
    (directory / "gpg").write_bytes(keys["docker"].armored())


def copy_recipes(work, url, keys):
    """With other addresses and keys, and nothing else changed."""
    shutil.copytree(TOP / "recipes", work / "recipes")
    (work / "rootfs-overlays").symlink_to(TOP / "rootfs-overlays")
    for file in (work / "recipes/components").glob("*.yaml"):
        text = file.read_text()
        for address, name in ((KUBERNETES, "kubernetes"), (DOCKER, "docker")):
            if address in text:
                text = re.sub("key_fingerprint: .*", f"key_fingerprint: {keys[name].fingerprint}", text.replace(address, f"{url}/{name}"))
        file.write_text(text)


def locked(work, *options):
    out = work / "lock.json"
    argv = [NODEKILN, "lock", work / f"recipes/{RECIPE}.yaml", "--set", "agent.libcurl=packaged", "-o", out, "--update", *options]
    done = subprocess.run(argv, cwd=work, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(done.stderr.strip()[-500:])
    return json.loads(out.read_text())


def packages(lock):
    base = next(value for key, value in lock["packages"].items() if key == "base")
    return {p["name"]: p["version"] for p in base}


def the_minor_chooses_the_repository(work):
    for options, minor in (((), "1.37"), (("--set", "components.kubernetes=1.36", "--set", "components.crictl=1.36"), "1.36")):
        got = packages(locked(work, *options))
        same({name: got.get(name) for name in ("kubelet", "kubeadm", "kubectl")},
             dict.fromkeys(("kubelet", "kubeadm", "kubectl"), f"{MINORS[minor]}-1.1"))
        same(got.get("containerd.io"), "2.3.7-1~debian.13~trixie")
        same([name for name in ("containerd", "runc") if name in got], [])


def main():
    work, fine = work_directory(), True
    keys = {name: Key(work, name) for name in ("kubernetes", "docker")}
    try:
        serve(work / "served", keys)
        with Server(work / "served") as server:
            copy_recipes(work, server.url, keys)
            for case in (the_minor_chooses_the_repository,):
                try:
                    case(work)
                    fine &= report(f"packages_recipe: {case.__name__}", [])
                except Failed as why:
                    fine &= report(f"packages_recipe: {case.__name__}", [str(why)])
    finally:
        for key in keys.values():
            key.stop()
        shutil.rmtree(work, ignore_errors=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
