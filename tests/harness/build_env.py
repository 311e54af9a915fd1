# SPDX-License-Identifier: Apache-2.0
"""The real program in a directory of its own, and what it may not leave behind. Not a test itself: failures.py and kill.py use it."""
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import uuid
from pathlib import Path

from harness.cases import report
from harness.process import digest

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = Path(os.environ.get("NODEKILN") or TOP / "out/nodekiln")  # out/asan/nodekiln, say
SMALL = TOP / "tests/recipes/small.yaml"
DEFAULT_CACHE = Path(os.environ.get("NODEKILN_CACHE") or "/var/cache/nodekiln")
TIMEOUT = 600  # of one build; the first compiles the agent

# lib/error.h
FAILED, USAGE, RECIPE, HOST, NETWORK, TRUST, SPACE, SANDBOX, GATE = range(1, 10)


class Check:
    """Counts the cases that fail."""

    def __init__(self):
        self.failed = 0

    def __call__(self, name, problems):
        self.failed += not report(name, problems)


class BuildEnv:
    """A directory with a recipe (tests/recipes/small.yaml and more keys), an overlay and outputs. Its processes are marked."""

    def __init__(self, directory, keys="", cache=DEFAULT_CACHE):
        self.directory, self.cache = Path(directory), Path(cache)
        self.out, self.overlay = self.directory / "out", self.directory / "overlay"
        self.recipe = self.directory / "small.yaml"
        self.mark = f"NODEKILN_TEST={uuid.uuid4()}"
        self.out.mkdir(parents=True)
        (self.overlay / "etc").mkdir(parents=True)
        self.change_overlay("first")
        self.recipe.write_text(f"include: [{SMALL}]\noverlays:\n  base: [./overlay]\n{keys}")

    def change_overlay(self, text):
        (self.overlay / "etc/nodekiln-test").write_text(text)

    def environment(self):
        name, value = self.mark.split("=")
        return dict(os.environ, NODEKILN_CACHE=str(self.cache), **{name: value})

    def argv(self, *arguments):
        return [str(NODEKILN), *map(str, arguments)]

    def build_argv(self, *options):
        return self.argv("build", self.recipe, "--out", self.out, "--plain", *options)

    def run(self, argv):
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", env=self.environment(),
                              timeout=TIMEOUT)

    def build(self, *options):
        return self.run(self.build_argv(*options))

    def outputs(self):
        """{name: digest} of all that is in the output directory, hidden things too."""
        return {str(p.relative_to(self.out)): digest(p) if p.is_file() else "directory" for p in sorted(self.out.rglob("*"))}

    def sums_problems(self):
        done = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=self.out, capture_output=True, text=True)
        return [] if done.returncode == 0 else ["sha256sum -c: " + (done.stdout + done.stderr).strip()]

    def left_processes(self):
        """Processes that carry our mark; they get a moment to die."""
        for _ in range(40):
            left = [p.parent.name for p in Path("/proc").glob("[0-9]*/environ") if self.mark.encode() in read_bytes(p)]
            if not left:
                break
            time.sleep(0.05)
        return left


def read_bytes(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def host_state():
    """What a build must not leave: mounts of its own (sandbox_mount_*() call theirs so, the rest is below a cache), loop devices."""
    mounts = sorted(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines() if "nodekiln" in line)
    loops = sorted(p.name for p in Path("/sys/block").glob("loop*") if (p / "loop/backing_file").exists())
    return {"mounts": mounts, "loop devices": loops}


def left_behind(kiln, before):
    after = host_state()
    problems = [f"{what} changed: {set(after[what]) ^ set(before[what])}" for what in after if after[what] != before[what]]
    left = kiln.left_processes()
    return problems + ([f"processes left: {left}"] if left else [])


def read_members(path, names):
    """{name: text} of a .tar.zst."""
    unpacked = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE)
    with tarfile.open(fileobj=unpacked.stdout, mode="r|") as archive:
        found = {m.name: archive.extractfile(m).read().decode() for m in archive if m.name in names}
    unpacked.wait()
    return found


def private_cache(directory):
    """A cache that may be spoiled: the default one's downloads and compiled programs by hard link, but no trees."""
    cache = Path(directory) / "cache"
    cache.mkdir()
    for kind in ("files", "repacked", "artifacts", "apt", "seals"):
        if (DEFAULT_CACHE / kind).is_dir():
            subprocess.run(["cp", "-a", "--link", DEFAULT_CACHE / kind, cache / kind], check=False, stderr=subprocess.DEVNULL)
    return cache


def seal(cache):
    """For a test that begins with what the host's cache has, by whatever program it was made."""
    subprocess.run([NODEKILN, "cache", "seal"], check=True, env=dict(os.environ, NODEKILN_CACHE=str(cache)), stdout=subprocess.DEVNULL)


def require_root():
    if os.geteuid() != 0:
        print(f"skip {Path(sys.argv[0]).stem}: needs root")
        sys.exit(0)


def work_directory():
    """On the cache's file system, so that links work; removed by the caller."""
    DEFAULT_CACHE.mkdir(parents=True, exist_ok=True)
    directory = DEFAULT_CACHE.parent / f"nodekiln-test.{os.getpid()}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def sentences(stderr):
    """The lines of an output that are errors."""
    return re.findall(r"^error: (.*)$", stderr, re.M)
