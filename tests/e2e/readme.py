#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the command blocks (indented by four) of README.md and docs/*.md, as root; every block must belong to one of these cases.

- What builds, locks, inspects and seeds runs in a shell, with a small recipe under the name debian-13.
- What runs on a Proxmox VE host or in a container runs with stubs of qm, pct, pveum, ssh and others, which record their arguments;
  absolute paths in these blocks are below the test's directory. `nodekiln boot` is a stub, too (tests/image boots).
- What talks to the API of Proxmox VE runs against the strict fake, with guests whose agents are played.
- Files: tests/unit/test_readme.c reads them; the target, the cluster and the publishing steps of the CI examples are used here.
"""
import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.cases import Failed, check, same
from harness.pve_env import NODEKILN, TOP, Image
from harness.deploy_env import Lab
from harness.repository import gpg

BLOCK = re.compile(r"(?:^    .*\n|^\n(?=    ))+", re.M)
COMMAND = re.compile(r"(?:^|[\[\s])(?:sudo )?(?:out/)?(nodekiln (?:[a-z]+)\b[^\]\n]*)")
HOST_PATH = re.compile(r"(?<![\w.~$}/-])/(etc|var|srv)/")
PUBLISHED = "debian-13"
PLACEHOLDERS = {'"00:11:..."': '"' + ":".join(["AB"] * 32) + '"'}
# What begins a block that is no command.
TEXTS = ("recipe -> lock", "out/debian-13.qcow2  ", "VM 9000")
FILES = ("# pve.yaml", "version: 2", "cluster: lab", "include: [debian-13]", "include: [debian-13-docker]", "image: debian:13", "on: [push]")
# tests/run begins with `make image`; `make test` is what runs this. What is on hosts that are not ours is not fetched by a test.
ELSEWHERE = ("make image", "git clone --branch v0.4.3", "NODEKILN_CRI_DOCKERD=", "nodekiln lock debian-13 --check --advisories",
             "tests/matrix/conformance.py", "NODEKILN_E2E_TEST=")
RECORDED = ("boot", "docker", "pct", "pveum", "qm", "ssh", "systemctl", "usermod")
STUBS = {**{name: f'echo {name} "$@" >>"$RECORD"' for name in RECORDED}, "sudo": 'exec "$@"',
         "scp": 'to=${!#}; cp "${@:1:$#-1}" "${to#*:}"',
         "nodekiln": f'[ "$1" = boot ] && exec boot "$@"\nexec {NODEKILN} "$@"'}
API = ("roles", "publish", "deploy", "destroy")


class Block:
    def __init__(self, page, text):
        self.page, self.text, self.done = page, re.sub("^    ", "", text, flags=re.M).strip("\n") + "\n", False

    def __str__(self):
        return f"{self.page}: {self.text.splitlines()[0]}"


def read_blocks():
    pages = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
    return [Block(page.name, text) for page in pages for text in BLOCK.findall(page.read_text())]


BLOCKS = read_blocks()


def block_with(words, page=None):
    found = [block for block in BLOCKS if words in block.text and page in (None, block.page)]
    check(found, f"there is no block with {words!r}")
    found[0].done = True
    return found[0].text


def arguments(line):
    """Without a comment, a redirection or what else is the shell's."""
    words = shlex.split(line, comments=True)
    end = next((i for i, word in enumerate(words) if word[0] in ">|&" or word == "&&"), len(words))
    return words[1:end]


def commands(text):
    return [arguments(found) for line in text.splitlines() for found in COMMAND.findall(line.partition(" #")[0])]


@functools.cache
def options_of(command):
    done = subprocess.run([NODEKILN, command, "--help"], capture_output=True, text=True)
    check(done.returncode == 0, f"there is no nodekiln {command}")
    return set(re.findall(r"(?<!\S)(--[a-z-]+)", done.stdout)) | {"--help"}


def every_command_has_its_options():
    lines = [words for block in BLOCKS for words in commands(block.text)]
    check(len(lines) > 40, f"only {len(lines)} command lines found")
    for words in lines:
        unknown = {word for word in words if word.startswith("--")} - options_of(words[0])
        check(not unknown, f"nodekiln {' '.join(words)}: {unknown}")


class Shell:
    """A directory in which the blocks of builds and of Proxmox VE hosts run, one after the other."""

    def __init__(self, work):
        self.work, self.record = work, work / "record"
        self.host = work / "host"
        for folder in ("bin", "home/.ssh", "out", "data/recipes", "data/init/usr/sbin", "old", "new", "host/srv/iso", "host/etc/pve/lxc",
                       "host/etc/modules-load.d", "host/var/lib/vz/template/iso", "host/var/lib/vz/template/cache"):
            (work / folder).mkdir(parents=True)
        for name, script in STUBS.items():
            (work / "bin" / name).write_text(f"#!/bin/bash\n{script}\n")
            (work / "bin" / name).chmod(0o755)
        (work / "out/nodekiln").symlink_to(work / "bin/nodekiln")
        self.add_data()
        (work / "mine.yaml").write_text("#cloud-config\ntimezone: UTC\n")
        (work / "netplan.yaml").write_text("version: 2\nethernets: {all: {match: {name: e*}, dhcp4: true}}\n")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", work / "home/.ssh/id_ed25519"], check=True)
        self.gnupg = work / "home/.gnupg"
        self.gnupg.mkdir(mode=0o700)
        gpg(self.gnupg, "--quick-gen-key", "builds@example.com", "ed25519", "sign", "never")

    def stop(self):
        subprocess.run(["gpgconf", "--homedir", self.gnupg, "--kill", "gpg-agent"], check=False)

    def add_data(self):
        """The recipes' names, for something that builds in seconds, with an init so that `verify` accepts it."""
        for name in ("agent", "lib", "rootfs-overlays"):
            shutil.copytree(TOP / name, self.work / "data" / name, symlinks=True)
        (self.work / "data/init/usr/sbin/init").write_text("#!/bin/sh\n")
        (self.work / f"data/recipes/{PUBLISHED}.yaml").write_text(
            f"include: [{TOP}/tests/recipes/small.yaml]\nname: {PUBLISHED}\noverlays: {{lxc: [{self.work}/data/init]}}\n")

    def run(self, block, **environment):
        text = HOST_PATH.sub(rf"{self.host}/\1/", block.text)
        for placeholder, value in PLACEHOLDERS.items():
            text = text.replace(placeholder, value)
        environment = {"PATH": f"{self.work}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.work / "home"), "RECORD": str(self.record),
                       "NODEKILN_DATA": str(self.work / "data"), **environment}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=self.work, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=900)
        check(done.returncode == 0, f"{block}: {done.returncode}: {(done.stdout + done.stderr)[-800:]}")
        block.done = True

    def keep_two_versions(self):
        for folder in ("old", "new"):
            for suffix in ("qcow2", "manifest.json"):
                shutil.copy(self.work / f"out/{PUBLISHED}.{suffix}", self.work / folder)


def is_api(block):
    return any(words[0] in API for words in commands(block.text))


def shell_blocks(page):
    return [block for block in BLOCKS if block.page == page and not is_api(block) and not block.text.startswith(TEXTS + FILES + ELSEWHERE)]


def images_are_built(shell):
    """README.md's and build.md's; diff compares the build of the lock with itself."""
    shell.run(Block("here", "nodekiln build --plain\n"))
    for block in shell_blocks("README.md") + shell_blocks("build.md"):
        if "diff old/" in block.text:
            shell.keep_two_versions()
        own = {"NODEKILN_CACHE": str(shell.work / "cache")} if "cache prune" in block.text else {}
        shell.run(block, **own)
    for name in (PUBLISHED, "rack7"):
        check((shell.work / f"out/{name}.qcow2").exists(), f"there is no out/{name}.qcow2")
    check((shell.work / "images/debian-13.tar.zst").exists(), "--out images left no image there")


def hosts_are_set_up(shell):
    """What is typed on a Proxmox VE host, or to one; the seeds are made for real."""
    for page in ("join.md", "containers.md", "proxmox.md", "troubleshooting.md", "deploy.md"):
        for block in shell_blocks(page):
            shell.run(block)
    recorded = shell.record.read_text()
    for call in ("pveum user token add agent@pve vm102 --privsep 1", "qm template 9000", "pct create 102 local:vztmpl/w1.tar.zst", "pct start 101",
                 "qm set 101 --scsi1 local:iso/cp1.iso,media=cdrom", "systemctl restart systemd-modules-load", "docker run --rm"):
        check(call in recorded, f"{call!r} was not called")
    for name in ("cp1.iso", "w1.iso", "lab.secrets", "host/srv/iso/cp1.iso", "host/etc/pve/lxc/101.conf", "host/var/lib/vz/template/iso/cp1.iso"):
        check((shell.work / name).exists(), f"there is no {name}")


class Place(Lab):
    """A directory as the documents suppose it: the two files, an image in out/, and the commands that roles prints have been run."""

    def __init__(self, work):
        super().__init__(9, work)
        self.add_storage("local-zfs", "images,rootdir", kind="zfspool", nodes=["pve2"])
        self.cluster.storages["local-lvm"]["nodes"] = ["pve1"]

    def settle_in(self):
        target = block_with("# pve.yaml")
        self.urls = dict.fromkeys(re.findall(r"https://pve\d\.example:8006", target), self.url)
        self.file("pve.yaml", functools.reduce(lambda text, url: text.replace(url, self.url), self.urls, target))
        self.file("lab.yaml", block_with("target: pve.yaml"))
        self.file("pve-root-ca.pem", self.ca.read_text())
        self.file("pve-token", "")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.work / "admin"], check=True)
        Image(self.work / "out", name=PUBLISHED)
        for role in ("NodekilnAgent", "NodekilnPeer"):
            del self.cluster.acl.roles[role]
        self.use_roles(self.work / "pve.yaml")
        self.file("pve-token", self.secret)

    def file(self, name, text):
        (self.work / name).write_text(text)
        (self.work / name).chmod(0o600)

    def type(self, words, **environment):
        done = subprocess.run([NODEKILN, *words], cwd=self.work, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90,
                              env={"PATH": "/usr/bin:/bin", **environment})
        check(done.returncode == 0, f"nodekiln {' '.join(words)}: {done.returncode}: {done.stderr[-600:]}")
        return done.stdout

    def type_block(self, words, page):
        for line in commands(block_with(words, page)):
            self.type(line)
            yield line


def published(place):
    return sorted(options["name"].rpartition("-")[0] for options in place.guests().values() if options.get("template") == "1")


def proxmox_ve_as_it_is_written(place):
    same(list(place.type_block("nodekiln roles", "proxmox.md")), [["roles", "--pve", "9", "pve.yaml"]], "roles")
    for page, words in (("README.md", "nodekiln publish"), ("proxmox.md", "--target pve.yaml out/debian-13 --dry-run")):
        check(list(place.type_block(words, page)), f"{page} publishes nothing")
        same(published(place), [f"{PUBLISHED}-1.20.2"] * 2, f"templates after {page}, one on each node")
    for page in ("README.md", "deploy.md"):
        for words in place.type_block("nodekiln deploy lab.yaml --dry-run", page):
            if words == ["deploy", "lab.yaml"]:
                same(sorted(options["name"] for options in place.nodes().values()), ["cp1", "w1"], f"nodes after {page}")
    same(place.nodes(), {}, "what destroy left")


def guests_are_adopted(place):
    """With another file of secrets than the cluster was made with."""
    place.type(["deploy", "lab.yaml"])
    (place.work / "lab.secrets").rename(place.work / "lost")
    vmids = {options["name"]: vmid for vmid, options in place.nodes().items()}
    words, = commands(block_with("--adopt", "deploy.md"))
    place.type([re.sub(r"^(\w+)=\d+$", lambda found: f"{found[1]}={vmids[found[1]]}", word) for word in words])
    place.type(["destroy", "lab.yaml", "--yes"])
    same(place.nodes(), {}, "what destroy left")


def ci_publishes(place):
    """The secrets come from the environment, as the text before the examples says."""
    target = (place.work / "pve.yaml").read_text().replace("token_secret_file: pve-token", "token_secret_env: PVE_TOKEN")
    place.file("pve.yaml", f"{target}notes_key_env: NOTES_KEY\n")
    key = (place.work / "nodekiln-notes.key").read_text().strip()
    for example in ("resource_group: proxmox", "runs-on: [self-hosted, kiln]"):
        steps = [words for words in commands(block_with(example)) if words[0] == "publish"]
        same(len(steps), 1, f"publishing steps next to {example}")
        place.type(steps[0], PVE_TOKEN=place.secret, NOTES_KEY=key)
        builds = [words[0] for words in commands(block_with(example))]
        same(builds, ["build", "verify", "publish"], f"steps next to {example}")


def every_block_was_used():
    left = [str(block) for block in BLOCKS if not block.done and not block.text.startswith(TEXTS + FILES + ELSEWHERE)]
    same(left, [], "blocks that no case has run")


def main():
    os.umask(0o022)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="nodekiln-readme-") as work, Place(Path(work) / "place") as place:
        place.settle_in()
        shell = Shell(Path(work) / "shell")
        for case, given in ((every_command_has_its_options, ()), (proxmox_ve_as_it_is_written, (place,)), (guests_are_adopted, (place,)), (ci_publishes, (place,)),
                            (images_are_built, (shell,)), (hosts_are_set_up, (shell,)), (every_block_was_used, ())):
            try:
                case(*given)
                print(f"ok readme: {case.__name__}", flush=True)
            except (Failed, OSError, subprocess.SubprocessError) as why:
                failed += 1
                print(f"not ok readme: {case.__name__}: {why}", flush=True)
        shell.stop()
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
