#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`build --offline`: what is in the cache is enough, and the process has no network at all: it is looked at while it runs. What is missing
is one sentence, and a server that is ready for it is not asked. Then the cache: shown, bounded, and safe with two builds at once."""
import json
import os
import shutil
import subprocess
import sys
import time

from harness.build_env import FAILED, NETWORK, USAGE, BuildEnv, Check, private_cache, require_root, sentences, work_directory
from harness.repository import Server


def network_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            direct = [int(word) for word in file.read().split()]
    except OSError:
        return []
    return direct + [grandchild for child in direct for grandchild in children(child)]


def builds_alone(kiln, lock):
    """None of the processes that build is ever seen in our network once they have begun; the first process only waits for them."""
    ours, seen, shared = network_of("self"), 0, set()
    with subprocess.Popen(kiln.build_argv("--lock", lock, "--offline"), env=kiln.environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
        while child.poll() is None:
            networks = {network_of(pid) for pid in children(child.pid)} - {None}
            began = seen or (networks and ours not in networks)
            seen += bool(began)
            shared |= {ours} & networks if began else set()
            time.sleep(0.02)
        said = child.stderr.read()
    problems = [] if child.returncode == 0 else [said.strip()[-400:]]
    problems += ["it was never seen in a network of its own"] if not seen else []
    return problems + (["one of its processes was in our network"] if shared else [])


def refused(done, code, *words):
    text = " ".join(sentences(done.stderr))
    problems = [] if done.returncode == code else [f"exit code {done.returncode} instead of {code}: {done.stderr.strip()[-300:]}"]
    return problems + [f"no '{word}' in: {text}" for word in words if word not in text]


def misses(kiln, lock):
    """A package is taken from the cache; its address leads to a server that would have it."""
    document = json.loads(lock.read_text())
    package = document["packages"]["base"][0]
    with Server(kiln.directory) as server:
        document["repositories"][package["repository"]] = server.url + "/"
        (kiln.directory / "moved.lock.json").write_text(json.dumps(document))
        (kiln.cache / "files" / package["sha256"]).unlink()
        done = kiln.build("--lock", kiln.directory / "moved.lock.json", "--offline", "--force")
        return refused(done, NETWORK, package["name"], "--offline") + ([f"asked for {server.requests}"] if server.requests else [])


def no_index(kiln):
    shutil.rmtree(kiln.cache / "apt")
    return refused(kiln.build("--offline", "--force"), NETWORK, "no package index", "--locked")


def usage(kiln, *options, code=0):
    done = kiln.run(kiln.argv("cache", *options, "--json"))
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def shown(kiln):
    seen = usage(kiln)
    files = list((kiln.cache / "files").iterdir())
    right = seen["files"] == {"bytes": sum(f.stat().st_size for f in files), "entries": len(files)} and seen["trees"]["entries"] > 0
    return [] if right else [f"{seen} of {len(files)} files"]


def pruned_during_a_build(kiln, lock):
    """While a build runs, nothing goes; when it is done, it all may."""
    build = subprocess.Popen(kiln.build_argv("--lock", lock, "--force"), env=kiln.environment(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not any((kiln.cache / "tmp").iterdir()) and build.poll() is None:
        time.sleep(0.05)
    before = usage(kiln)["files"]
    busy = usage(kiln, "prune", "--max", "0", code=FAILED)
    after = usage(kiln)["files"]
    said = build.communicate()[1]
    problems = [] if build.returncode == 0 else [f"the build: {said.strip()[-300:]}"]
    problems += [] if "another nodekiln" in busy and before == after else [f"pruned under a build: {busy} {before} {after}"]
    left = usage(kiln, "prune", "--max", "0")
    return problems + ([] if left["bytes"] == 0 and left["removed"] > 0 else [f"left: {left}"])


def bounded(kiln, lock):
    """A bound that holds one tree but not all: the next build keeps to it, and what it leaves is what it used last."""
    os.environ["NODEKILN_CACHE_MAX"] = "100M"
    try:
        done = kiln.build("--lock", lock, "--force")
        seen = usage(kiln)
    finally:
        del os.environ["NODEKILN_CACHE_MAX"]
    problems = [] if done.returncode == 0 and "to keep it below 100 MiB" in done.stderr else [done.stderr.strip()[-300:]]
    return problems + ([] if 0 < seen["bytes"] <= 100 << 20 else [f"{seen}"])


def fresh(kiln):
    shutil.rmtree(kiln.cache)
    private_cache(kiln.cache.parent)
    return kiln


def main():
    require_root()
    check, directory = Check(), work_directory()
    try:
        kiln = BuildEnv(directory / "kiln", cache=private_cache(directory))
        lock = directory / "small.lock.json"
        made, built = kiln.run(kiln.argv("lock", kiln.recipe, "-o", lock)), kiln.build("--lock", lock)
        check("a build with the network", [d.stderr.strip()[-400:] for d in (made, built) if d.returncode])
        shutil.rmtree(kiln.cache / "trees")
        shutil.rmtree(kiln.out)
        check("a build without a network", builds_alone(kiln, lock))
        check("the cache is shown", shown(kiln))
        check("the cache during a build", pruned_during_a_build(kiln, lock))
        check("--offline with --update", refused(kiln.build("--offline", "--update"), USAGE, "exclude each other"))
        check("the cache is bounded", bounded(fresh(kiln), lock))
        fresh(kiln)
        check("offline: a package is missing", misses(kiln, lock))
        check("offline: no index", no_index(kiln))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
