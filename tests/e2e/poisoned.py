#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A cache that others can write to, such as one of a CI: whatever is put there, `build --locked` makes the same artifacts or ends with a
sentence. What another user may write to is not entered at all."""
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile

from harness.build_env import TRUST, BuildEnv, Check, private_cache, require_root, seal, sentences, work_directory
from harness.process import digest

ARTIFACTS = ("small.qcow2", "small.tar.zst", "small.spdx.json")
EVIL = "etc/evil"
OTHER_KEY = "0123456789abcdef" * 4
PACKAGE = "base-files"


def replace(path, content):
    """As a cache is restored: another file, with the times of the old one."""
    st = path.stat()
    path.unlink()
    path.write_bytes(content)
    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))


def with_evil(archive):
    """A tar with one more file."""
    out = io.BytesIO(archive)
    with tarfile.open(fileobj=out, mode="a") as tar:
        info = tarfile.TarInfo(EVIL)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    return out.getvalue()


def zstd(data, *options):
    return subprocess.run(["zstd", "-qc", *options], input=data, capture_output=True, check=False).stdout


def poison_trees(kiln, _lock):
    """Those above the base: they need no index of chunks."""
    trees = sorted((kiln.cache / "trees").iterdir(), key=lambda p: p.stat().st_size)[:-1]
    for tree in trees:
        replace(tree, zstd(with_evil(zstd(tree.read_bytes(), "-d"))))
    return len(trees)


def repacked_of(kiln, lock, name):
    sha256 = next(p["sha256"] for p in lock_packages(lock) if p["name"] == name)
    return kiln.cache / "repacked" / sha256, kiln.cache / "files" / sha256


def lock_packages(lock):
    found = []

    def walk(value):
        if isinstance(value, dict):
            if "name" in value and "sha256" in value:
                found.append(value)
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                walk(item)

    walk(json.loads(lock.read_text()))
    return found


def poison_repacked(kiln, lock):
    shutil.rmtree(kiln.cache / "trees")
    (kiln.cache / "trees").mkdir()
    package, _ = repacked_of(kiln, lock, PACKAGE)
    tree = kiln.directory / "unpacked"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    (tree / EVIL).write_text("evil")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zzstd", "-b", tree, kiln.directory / "evil.deb"], check=True,
                   stdout=subprocess.DEVNULL)
    replace(package, (kiln.directory / "evil.deb").read_bytes())
    return 1


def poison_artifacts(kiln, _lock):
    agents = list((kiln.cache / "artifacts").glob("*/usr/bin/nodekiln-agent"))
    for agent in agents:
        replace(agent, agent.read_bytes() + b"evil")
        agent.chmod(0o755)
    return len(agents)


def builds_the_same(kiln, lock, poison, good):
    if not poison(kiln, lock):
        return ["nothing to poison"]
    done = kiln.build("--lock", lock, "--force")
    if done.returncode:
        return [done.stderr.strip()[-400:]]
    return [f"{name} differs" for name in ARTIFACTS if digest(kiln.out / name) != good[name]]


def upgrades(kiln, lock, good):
    """An older version has made everything: a line says once that it is made again."""
    shutil.rmtree(kiln.cache / "seals")
    problems = []
    for said in (1, 0):
        done = kiln.build("--lock", lock, "--force")
        problems += [done.stderr.strip()[-400:]] if done.returncode else []
        if done.stderr.count("by an older version") != said:
            problems.append(f"{said} lines expected, it said {done.stderr.strip()[-400:]!r}")
        problems += [f"{name} differs" for name in ARTIFACTS if digest(kiln.out / name) != good[name]]
    return problems


def restore(kiln, directory):
    """As a CI job's runner does: other files with the same content, in a new container. Gigabytes of others' programs are linked."""
    for kind in (path.name for path in kiln.cache.iterdir() if path.is_dir()):
        shutil.copytree(kiln.cache / kind, directory / "cache" / kind, symlinks=True,
                        copy_function=shutil.copy if kind in ("trees", "seals") else os.link)
    return BuildEnv(directory / "kiln", cache=directory / "cache")


def builds_from_a_restored_cache(kiln, lock, good, directory, key, used):
    """used: with the key of the builder that made it. Else everything is made again, and a line says why. The artifacts are the same."""
    restored = restore(kiln, directory)
    environment = restored.environment() | {"NODEKILN_CACHE_KEY": key, "HOME": str(directory)}
    done = subprocess.run(restored.build_argv("--lock", lock, "--offline"), env=environment, capture_output=True, text=True)
    problems = [done.stderr.strip()[-400:]] if done.returncode else \
        [f"{name} differs" for name in ARTIFACTS if digest(restored.out / name) != good[name]]
    if ("trees found" in done.stderr) != used or ("with another key" in done.stderr) == used:
        problems.append(f"it said {done.stderr.strip()[-400:]!r}")
    shutil.rmtree(directory)
    return problems


def refuses_packages(kiln, lock, good):
    """One of the same size; the next build downloads it again."""
    shutil.rmtree(kiln.cache / "trees")
    repacked, file = repacked_of(kiln, lock, PACKAGE)
    repacked.unlink()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    replace(file, bytes(content))
    done = kiln.build("--lock", lock, "--force")
    said = sentences(done.stderr)
    problems = [] if done.returncode == TRUST and file.name in " ".join(said) else [f"exit status {done.returncode}, it said {said}"]
    return problems + builds_the_same(kiln, lock, lambda *_: 1, good)


def refuses_directories(kiln, lock):
    problems = []
    for place in (kiln.cache, kiln.cache / "trees", kiln.cache / "tmp", kiln.out):
        for uid, mode in ((12345, 0o755), (0, 0o777)):
            os.chown(place, uid, -1)
            place.chmod(mode)
            done = kiln.build("--lock", lock, "--force")
            if done.returncode != TRUST or str(place) not in " ".join(sentences(done.stderr)):
                problems.append(f"{place.name} of {uid} with mode {mode:o}: exit status {done.returncode}, {done.stderr.strip()[-200:]}")
            os.chown(place, 0, -1)
            place.chmod(0o755)
    return problems


def main():
    require_root()
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    os.environ.pop("SUDO_UID", None)
    check, directory = Check(), work_directory()
    try:
        os.environ["NODEKILN_CACHE_KEY"] = str(directory / "cache.key")
        kiln = BuildEnv(directory / "kiln", cache=private_cache(directory))
        seal(kiln.cache)
        lock = directory / "small.lock.json"
        made = [kiln.run(kiln.argv("lock", kiln.recipe, "-o", lock)), kiln.build("--lock", lock)]
        check("a build from a lock", [done.stderr.strip()[-400:] for done in made if done.returncode])
        good = {name: digest(kiln.out / name) for name in ARTIFACTS}
        key = (directory / "cache.key").read_text().strip()
        for number, (name, value, used) in enumerate((("that key", key, True), ("another key", OTHER_KEY, False))):
            check(f"a restored cache with {name}",
                  builds_from_a_restored_cache(kiln, lock, good, directory / f"job.{number}", value, used))
        for name, poison in (("trees", poison_trees), ("recompressed packages", poison_repacked), ("compiled programs", poison_artifacts)):
            check(f"poisoned {name} change nothing", builds_the_same(kiln, lock, poison, good))
        check("a cache of an older version is used, and what was made in it is made again", upgrades(kiln, lock, good))
        check("a poisoned package is refused and replaced", refuses_packages(kiln, lock, good))
        check("directories of others are refused", refuses_directories(kiln, lock))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
