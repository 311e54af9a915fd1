#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker_run.py: `nodekiln build` in `docker run` with none of its options: a real Docker, in a machine that nodekiln built, runs a
Debian 12 that nodekiln built. What is made there must be what root makes on this host, bit for bit; what can't be built there is refused
at once. Then the same with no more rights than the build asks for, and its cache in a volume.

The container's image holds the packages, so nothing asks for a network. Of the agent it holds what is compiled already, as emulated that
would take half an hour: that a container compiles the same is seen on this host, with tests/confine.py. NODEKILN names the program."""
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from harness import second_host
from harness.build_env import HOST, private_cache, require_root, sentences, work_directory
from harness.cases import Failed, matches, same, say
from harness.process import digest
import confine
from built import DEBIAN_CONTAINER, DOCKER_HOST, built
from cluster.pve_host import PveHost
from docker_node import run_checks

TOP = Path(__file__).resolve().parent.parent.parent
EPOCH = "1700000000"
BOOT_SECONDS, BUILD_SECONDS, QUICK = 900, 1500, 60  # emulated; the last is for what is refused
IMAGE = "debian:12"
RECIPE = "name: small\ninclude: [tests/recipes/small.yaml]\noverlays:\n  base: [./overlay]\npackages:\n  base: [systemd]\n  extra: [less]\n"
CHECKOUT = (*second_host.PARTS, "overlay", "images.tar", "recipe.yaml", "container.yaml", "small.lock.json")
FILES = ("small.qcow2", "small.tar.zst", "small.spdx.json")
MANIFEST = "small.manifest.json"
# docs/build.md, "Without root".
LEAST = ["--security-opt", "no-new-privileges", "--cap-drop", "ALL"] + [f"--cap-add={name}" for name in (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "SETFCAP", "SETGID", "SETUID", "SYS_CHROOT")]


class BuildEnv:
    """A checkout with two recipes: stranger's, which preloads images, and one that a container can build. Root builds that here."""

    def __init__(self, directory):
        self.place, self.cache, self.archive = directory / "kiln", private_cache(directory), directory / "debian.tar"
        self.cold = directory / "cold"
        second_host.checkout(self.place)
        (self.place / "container.yaml").write_text(RECIPE)
        started = time.time()
        self.run(self.cache, "out/nodekiln", "lock", "container.yaml")
        self.out = self.build(self.cache, "root")
        self.used = [path for kind in ("files", "artifacts") for path in (self.cache / kind).iterdir() if path.stat().st_mtime >= started]

    def run(self, cache, *argv):
        done = subprocess.run(argv, cwd=self.place, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "NODEKILN_CACHE": str(cache)})
        if done.returncode != 0:
            raise Failed(f"{' '.join(map(str, argv))}: {done.stderr.strip()[-400:]}")

    def build(self, cache, name, *prefix):
        self.run(cache, *prefix, "out/nodekiln", "build", "container.yaml", "--plain", "--locked", "--out", name)
        return self.place / name

    def pack(self, debian):
        """The container's image: a Debian, the checkout, and of the cache what root's build has used."""
        shutil.copy(debian, self.archive)
        with tarfile.open(self.archive, "a") as tar:
            for name in CHECKOUT:
                tar.add(self.place / name, f"kiln/{name}")
            for path in self.used:
                tar.add(path, f"var/cache/nodekiln/{path.relative_to(self.cache)}")


def compiles_what_root_compiles(kiln):
    shutil.copytree(kiln.cache / "files", kiln.cold / "files", copy_function=os.link)
    out = kiln.build(kiln.cold, "compiled", TOP / "tests/confine.py")
    same([digest(out / file) for file in FILES], [digest(kiln.out / file) for file in FILES])


class Docker:
    def __init__(self, host, kiln):
        self.host, self.kiln = host, kiln

    def command(self, argv, *options):
        return shlex.join(["docker", "run", "--rm", "--workdir", "/kiln", "--env", f"SOURCE_DATE_EPOCH={EPOCH}", *options, IMAGE, *argv])

    def ask(self, *argv):
        return self.host.ask(self.command(argv))

    def ssh(self, argv, *options, timeout=BUILD_SECONDS):
        return self.host.ssh(self.command(argv, *options), timeout)


def docker_has_the_image(docker):
    size = docker.kiln.archive.stat().st_size
    docker.host.ask(f"head -c {size} /dev/disk/by-id/virtio-debian | docker import - {IMAGE}", 900)
    info = json.loads(docker.host.ask("docker info --format '{{json .}}'"))
    for option in ("name=apparmor", "name=seccomp,profile=default"):
        if option not in info["SecurityOptions"]:
            raise Failed(f"{option} is not among Docker's security options: {info['SecurityOptions']}")
    return [f"Docker {info['ServerVersion']}, {info['Driver']}, Linux {info['KernelVersion']}, {' '.join(info['SecurityOptions'])}"]


def root_there_has_few_rights(docker):
    status = dict(line.split(":\t") for line in docker.ask("cat", "/proc/self/status").splitlines())
    held = int(status["CapEff"], 16)
    if held != sum(1 << number for number in confine.LEFT.values()) or status["Seccomp"] != "2" or status["NoNewPrivs"] != "0":
        raise Failed(f"this is not what Docker does by itself: {status}")
    profile = docker.ask("cat", "/proc/self/attr/current")
    same(profile, "docker-default (enforce)")
    return [f"capabilities {held:#x}, a filter of system calls, AppArmor's {profile}"]


def may_make_no_namespace(docker):
    said = []
    for kind in ("user", "mount"):
        done = docker.ssh(["unshare", f"--{kind}", "true"])
        if done.returncode == 0:
            raise Failed(f"a {kind} namespace can be made")
        said.append(f"{kind} namespace: {done.stderr.strip()}")
        matches(done.stderr.strip(), "unshare: unshare failed: Operation not permitted")
    return said


def images_are_refused_at_once(docker):
    started = time.monotonic()
    done = docker.ssh(["out/nodekiln", "build", "recipe.yaml", "--plain"])
    seconds, said = time.monotonic() - started, " ".join(sentences(done.stderr))
    same(done.returncode, HOST)
    for word in ("preloads images", "CAP_SYS_ADMIN", "user namespaces"):
        if word not in said:
            raise Failed(f"no '{word}' in: {done.stderr.strip()[-400:]}")
    if seconds > QUICK:
        raise Failed(f"took {seconds:.0f} s")
    return [f"{seconds:.0f} s: {said}"]


def manifest_of(text):
    document = json.loads(text)
    del document["timings"]
    return document


def builds_as_root_here(docker, name, *options):
    started, out = time.monotonic(), f"/var/tmp/{name}"
    done = docker.ssh(["out/nodekiln", "build", "container.yaml", "--plain", "--locked", "--offline", "--out", "/out"],
                      "--volume", f"{out}:/out", *options)
    seconds = time.monotonic() - started
    if done.returncode != 0:
        raise Failed(f"exit code {done.returncode}: {done.stderr.strip()[-600:]}")
    sums = docker.host.ask(f"cd {out} && sha256sum {' '.join(FILES)}").splitlines()
    same(sums, [f"{digest(docker.kiln.out / file)}  {file}" for file in FILES])
    same(manifest_of(docker.host.ask(f"cat {out}/{MANIFEST}")), manifest_of((docker.kiln.out / MANIFEST).read_text()))
    return [f"{seconds:.0f} s", *sums, *(line for line in done.stderr.splitlines() if not line.endswith("so far"))]


def builds_what_root_builds(docker):
    return builds_as_root_here(docker, "default")


def builds_it_with_the_least_rights(docker):
    return builds_as_root_here(docker, "least", *LEAST, "--volume", "nodekiln:/var/cache/nodekiln")


CHECKS = (docker_has_the_image, root_there_has_few_rights, may_make_no_namespace, images_are_refused_at_once, builds_what_root_builds,
          builds_it_with_the_least_rights)


def try_it(kiln, directory):
    with PveHost(built(DOCKER_HOST), directory) as host:
        host.start({"debian": kiln.archive})
        host.wait(BOOT_SECONDS)
        fine = run_checks("docker_run", CHECKS, Docker(host, kiln))
        if not fine:
            say(["# console: " + line for line in host.tail()])
    return fine


def main():
    require_root()
    directory = work_directory()
    try:
        kiln = BuildEnv(directory)
        kiln.pack(built(DEBIAN_CONTAINER, "tar"))
        fine = run_checks("docker_run", (compiles_what_root_compiles,), kiln)
        return 0 if try_it(kiln, directory) and fine else 1
    except Failed as why:
        say([f"not ok docker_run: {why}"])
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
