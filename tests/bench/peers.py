# SPDX-License-Identifier: Apache-2.0
"""The builders of the bench's package set: nodekiln, and those that it is compared with. Each has `build()`, which returns a Run or raises
CommandFailed; what a peer makes is gone when its build is over.

All of them work in memory, as nodekiln does. nodekiln and mmdebstrap find the packages downloaded; debos and vmdb2 have no option for
that, so what apt says to have spent on it is in Run.download (debootstrap's part is not known, and counts as building).
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time

import loop
from bench_env import BenchEnv
from run import TOP, Run

RECIPE = TOP / "recipes/bench.yaml"
# Small packages that nothing else needs: one a round, so that apt's solver was not asked for it before.
LEAVES = ("tree", "less", "ncdu", "psmisc", "rename")
DISK = 4 << 30


def base_packages():
    """The list below packages.base of the recipe, read the simple way: it is our own file."""
    found = re.search(r"^packages:\n  base:\n((?:    - .*\n)+)", RECIPE.read_text(), re.M)
    return [line.strip()[2:].split("#")[0].strip() for line in found[1].splitlines()]


def suite():
    return re.search(r"^  suite: (\S+)", RECIPE.read_text(), re.M)[1]


def sources():
    """apt lines for the suite, from where this host itself installs."""
    form = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    said = subprocess.run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"], check=True, capture_output=True, text=True)
    wanted = (suite(), suite() + "-updates", suite() + "-security")
    lines = [line for line in dict.fromkeys(said.stdout.splitlines()) if line.split()[2] in wanted and line.split()[3] == "main"]
    if not lines:
        sys.exit(f"bench: this host's apt sources have no {suite()}; the peers need one")
    return sorted(lines, key=lambda line: wanted.index(line.split()[2]))


def mirror():
    return sources()[0].split()[1]


class Nodekiln:
    """Builds of the bench recipe with one overlay on top, in a cache of our own."""

    def __init__(self, program, directory):
        self.program, self.log = program, directory / "nodekiln.log"
        self.cache, self.out = directory / "cache", directory / "out"
        self.overlay, self.recipe = directory / "overlay", directory / "bench.yaml"
        (self.overlay / "etc").mkdir(parents=True)
        self.change_overlay()
        self.set_extra()

    def change_overlay(self):
        (self.overlay / "etc/bench-release").write_text(f"{time.time()}\n")

    def set_extra(self, *packages):
        self.recipe.write_text(f"name: bench\ninclude: [bench]\npackages:\n  extra: [{', '.join(packages)}]\noverlays:\n  base: [./overlay]\n")

    def build(self, *options):
        argv = [self.program, "build", self.recipe, "--out", self.out, "--timings", *options]
        return Run(argv, self.log, env=dict(os.environ, NODEKILN_CACHE=str(self.cache)))

    def build_cold(self):
        shutil.rmtree(self.cache / "trees", ignore_errors=True)
        return self.build("--force")

    def timings(self):
        return json.loads((self.out / "bench.manifest.json").read_text())["timings"]

    def artifacts(self):
        return sorted(p for p in self.out.glob("bench.*") if p.suffix in (".qcow2", ".zst"))


class Peer:
    """failed: why it cannot be measured here."""

    def __init__(self, directory):
        self.failed = None
        self.directory, self.log = directory / self.name, directory / f"{self.name}.log"
        self.directory.mkdir()

    def measured(self, argv):
        self.log.unlink(missing_ok=True)
        run = Run(argv, self.log)
        fetched = re.findall(r"\bFetched .* in (?:(\d+)min )?(\d+)s", self.log.read_text(errors="replace"))
        run.download = min(sum(int(minutes or 0) * 60 + int(seconds) for minutes, seconds in fetched), run.wall)
        return run


def mmdebstrap(tree, packages, *options):
    return ["mmdebstrap", "--verbose", "--mode=root", "--variant=apt", "--format=directory", "--aptopt=APT::Install-Recommends false",
            "--include=" + ",".join(packages), *options, suite(), tree, *sources()]


class Mmdebstrap(Peer):
    """The package set as a bare tree: no disk, no artifact."""

    name, makes = "mmdebstrap", "tree"

    def __init__(self, directory):
        super().__init__(directory)
        self.archives, self.memory = self.directory / "archives", self.directory / "memory"
        self.memory.mkdir()
        (self.archives / "partial").mkdir(parents=True)

    def build(self):
        """Packages come from, and stay in, a directory of ours."""
        return self.measured(BenchEnv(self.memory).argv(*mmdebstrap(
            self.memory / "tree", base_packages(), "--aptopt=APT::Keep-Downloaded-Packages true", "--skip=essential/unlink",
            "--skip=cleanup/apt/cache", '--setup-hook=mkdir -p "$1/var/cache/apt/archives"',
            f'--setup-hook=mount -o bind "{self.archives}" "$1/var/cache/apt/archives"',
            '--customize-hook=umount "$1/var/cache/apt/archives"')))


class Toolbox(Peer):
    """A tree with Debian's packages of the other builders, made by mmdebstrap: nothing of them must be installed here."""

    name = "toolbox"
    PACKAGES = ("debos", "vmdb2", "systemd-container", "xz-utils")  # the last two: for debos

    def __init__(self, directory):
        super().__init__(directory)
        self.tree, self.memory = self.directory / "tree", self.directory / "memory"
        self.memory.mkdir()

    def build(self):
        return self.measured(BenchEnv(self.memory).argv(*mmdebstrap(self.tree, self.PACKAGES)))


class Tool(Peer):
    """A builder from the toolbox, with the recipe that it gets."""

    makes = "raw disk image"

    def __init__(self, directory, toolbox):
        super().__init__(directory)
        self.env, self.failed = BenchEnv(self.directory, toolbox.tree), toolbox.failed

    def run(self, recipe, *command):
        """The recipe, in JSON, which is YAML, is the last argument."""
        path = self.env.root / f"{self.name}.yaml"
        path.write_text(json.dumps(recipe))
        return self.measured(self.env.argv(*command, f"/{path.name}"))


class Debos(Tool):
    """Without its virtual machine, which would need KVM. Its image is made by mke2fs, as its own image action needs a running udev."""

    name = "debos"

    def build(self):
        image = "${ARTIFACTDIR}/disk"
        return self.run({"architecture": "amd64", "actions": [
            {"action": "debootstrap", "suite": suite(), "components": ["main"], "variant": "minbase", "mirror": mirror()},
            {"action": "apt", "recommends": False, "packages": base_packages()},
            {"action": "run", "command": f"truncate -s {DISK} {image} && mke2fs -q -t ext4 -d ${{ROOTDIR}} {image}"},
        ]}, "debos", "--disable-fakemachine")


class Vmdb2(Tool):
    """On a loop device, because it finds partitions in a plain file with the device mapper only, which not every kernel has."""

    name = "vmdb2"

    def build(self):
        with loop.Device("/dev/shm", DISK) as device:
            return self.run({"steps": [
                {"mklabel": "msdos", "device": device.path},
                {"mkpart": "primary", "device": device.path, "start": "1MiB", "end": "100%", "tag": "root"},
                {"mkfs": "ext4", "partition": "root"},
                {"mount": "root", "zerofree": False},
                {"debootstrap": suite(), "mirror": mirror(), "variant": "minbase", "target": "root"},
                {"apt": "install", "packages": base_packages(), "recommends": False, "tag": "root"},
            ]}, "vmdb2", "--log", "/dev/stdout", "--image", device.path)


TOOLS = {tool.name: tool for tool in (Debos, Vmdb2)}
