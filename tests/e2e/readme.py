#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What README.md asks people to type: every nodekiln command line has options that there are; the target, the cluster and the commands
of "Into Proxmox VE" and "A cluster in Proxmox VE", and the publishing step of both CI examples, run as they are, against the
strict fake with guests whose agents are played. (That the YAML of README.md is YAML shows tests/unit/test_readme.c.)"""
import functools
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.cases import Failed, check, same
from harness.pve_env import NODEKILN, TOP, Image
from harness.deploy_env import Lab

README = (TOP / "README.md").read_text()
BLOCKS = [re.sub("^    ", "", block, flags=re.M) for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", README, re.M)]
COMMAND = re.compile(r"(?:^|[\[\s])(?:sudo )?(?:out/)?(nodekiln (?:[a-z]+)\b[^\]\n]*)")
PLACEHOLDER = re.compile(r"^[A-Z]+(\.|$)")
PUBLISHED = "debian-13"


def block_with(words):
    found = [block for block in BLOCKS if words in block]
    check(found, f"README.md has no block with {words!r}")
    return found[0]


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
    lines = [words for block in BLOCKS for words in commands(block)]
    check(len(lines) > 25, f"only {len(lines)} command lines found")
    for words in lines:
        unknown = {word for word in words if word.startswith("--")} - options_of(words[0])
        check(not unknown, f"nodekiln {' '.join(words)}: {unknown}")


class Place(Lab):
    """A directory as README.md supposes it: the two files, an image in out/, and an administrator who has typed what roles prints."""

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


def published(place):
    return sorted(options["name"].rpartition("-")[0] for options in place.guests().values() if options.get("template") == "1")


def proxmox_ve_as_it_is_written(place):
    for words in commands(block_with("--target pve.yaml out/debian-13 --dry-run")):
        place.type(words)
    same(published(place), [f"{PUBLISHED}-1.20.2"] * 2, "templates, one on each node")
    for words in commands(block_with("nodekiln deploy lab.yaml --dry-run")):
        place.type(words)
        if words == ["deploy", "lab.yaml"]:
            same(sorted(options["name"] for options in place.nodes().values()), ["cp1", "w1"], "nodes")
    same(place.nodes(), {}, "what destroy left")


def ci_publishes(place):
    """The secret comes from the environment, as the text before the examples says."""
    place.file("pve.yaml", (place.work / "pve.yaml").read_text().replace("token_secret_file: pve-token", "token_secret_env: PVE_TOKEN"))
    for example in ("resource_group: proxmox", "runs-on: [self-hosted, kiln]"):
        steps = [words for words in commands(block_with(example)) if words[0] == "publish"]
        same(len(steps), 1, f"publishing steps next to {example}")
        place.type(steps[0], PVE_TOKEN=place.secret)
        builds = [words[0] for words in commands(block_with(example))]
        same(builds, ["build", "verify", "publish"], f"steps next to {example}")


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="nodekiln-readme-") as work, Place(Path(work) / "place") as place:
        place.settle_in()
        for case, given in ((every_command_has_its_options, ()), (proxmox_ve_as_it_is_written, (place,)), (ci_publishes, (place,))):
            try:
                case(*given)
                print(f"ok readme: {case.__name__}", flush=True)
            except (Failed, subprocess.SubprocessError) as why:
                failed += 1
                print(f"not ok readme: {case.__name__}: {why}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
