#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""conformance.py [--minutes N] [--focus REGEX] [TEMPLATE.tar.zst]: upstream's conformance tests on a native cluster (harness/native.py) of an
init node and a worker, both unprivileged containers; out/conformance.md gets the table.

The tests are those that the e2e.test of the nodes' Kubernetes lists as [Conformance], except for those whose pods need an image that
is not made here (MISSING); no registry can be asked. PARALLEL processes run them, afterwards one runs those that are [Serial]. What
N minutes do not suffice for is not run, and named. A test that fails without a reason in KNOWN is a failure here.

NODEKILN_E2E_TEST and NODEKILN_AGNHOST: the built programs. Without them tests/recipes/conformance.yaml compiles both, which takes about
ten minutes on two cores once Kubernetes itself is compiled. TEMPLATE: else NODEKILN_TEMPLATE, else the newest in out/.
out/matrix/conformance/ keeps what each process printed.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

from harness.cases import Failed, say
from harness.cluster_checks import load_image
from harness.native import unavailable
from built import NODEKILN, OUT, TOP
from cluster.native_cluster import NativeCluster, template
from cluster.nodes import INIT, WORKER, watched
import conformance_images

RECIPE, LAYER = "tests/recipes/conformance.yaml", OUT / "conformance.tar"
LOGS, TABLE = OUT / "conformance", TOP / "out/conformance.md"
MINUTES, PARALLEL, BATCH = 35, 6, 6
SERIAL_SHARE = 0.35  # of the time, kept for those that run alone
ROLES = {INIT: "init", WORKER: "worker"}
ARGUMENTS = ("--provider=skeleton", "--num-nodes=2", "--allowed-not-ready-nodes=0", "--minStartupPods=0", "--ginkgo.no-color",
             "--ginkgo.silence-skips")
# By the image that is not here: the tests that start pods of it (test/utils/image/manifest.go names the images, GetE2EImage() and
# PullAlways in the files of the tests their use).
MISSING = {
    "sample-apiserver": r"Aggregator Should be able to support the [\d.]+ Sample API Server",
    "kitten": r"ImageVolume ",
    "nautilus": r"Update Demo ",
    "nonewprivs": r"AllowPrivilegeEscalation should not allow privilege escalation when false",
    "agnhost, which is pulled although it is there": r"Projected PodCertificate .* establish an mTLS connection",
}
# Failures that are understood: a regular expression for the test's name, and why.
KNOWN = {
    r"(ConfigMap|Secrets) should be consumable (via the environment|as environment variable names) ":
        "the shell of Debian's busybox drops variables that have a dash in their names",
}

Result = collections.namedtuple("Result", "state why")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--focus", default="", help="only tests whose names this regular expression finds")
    parser.add_argument("template", nargs="*")
    return parser.parse_args()


# The programs.

def given():
    """{name: path} by the environment; empty: they are compiled."""
    found = {name: os.environ.get(key) for name, key in (("e2e.test", "NODEKILN_E2E_TEST"), ("agnhost", "NODEKILN_AGNHOST"))}
    for name, path in found.items():
        if path and not (os.path.isabs(path) and os.access(path, os.X_OK)):
            raise Failed(f"{path} is not the absolute path of the program {name}")
    if any(found.values()) and not all(found.values()):
        raise Failed("NODEKILN_E2E_TEST and NODEKILN_AGNHOST belong together: one of them is not set")
    return {name: Path(path) for name, path in found.items() if path}


def build(version, compiled):
    """The Debian of the images; with the programs in it when they are to be compiled."""
    more = ["--set", f"components.e2e={version}"] if compiled else []
    subprocess.run([NODEKILN, "build", RECIPE, "--plain", "--out", OUT, *more], cwd=TOP, check=True)


def extract():
    with tarfile.open(LAYER) as archive:
        for member in archive:
            name = Path(member.name).name
            if member.isreg() and member.name.removeprefix("./") in ("opt/e2e.test", "agnhost"):
                (LOGS / name).write_bytes(archive.extractfile(member).read())
                (LOGS / name).chmod(0o755)
    return {name: LOGS / name for name in ("e2e.test", "agnhost")}


def programs(version):
    found = given()
    build(version, not found)
    LOGS.mkdir(parents=True, exist_ok=True)
    found = found or extract()
    said = subprocess.run([found["e2e.test"], "--version"], check=True, capture_output=True, text=True).stdout.strip()
    if said != f"v{version}":
        raise Failed(f"{found['e2e.test']} is of {said}, the nodes are of v{version}")
    return found


def version_of(archive):
    manifest = json.loads(Path(str(archive).removesuffix(".tar.zst") + ".manifest.json").read_text())
    return manifest["versions"]["kubernetes"]


# The tests.

def listed(e2e):
    """The names of the conformance tests."""
    report = LOGS / "list.json"
    subprocess.run([e2e, "--provider=skeleton", "--kubeconfig=/nonexistent", "--ginkgo.dry-run", r"--ginkgo.focus=\[Conformance\]",
                    f"--ginkgo.json-report={report}"], check=True, capture_output=True)
    return sorted(name for name, result in results_of(report).items() if result.state == "passed")


def name_of(spec):
    return " ".join([*(spec.get("ContainerHierarchyTexts") or []), spec["LeafNodeText"]])


def results_of(report):
    specs = json.loads(report.read_text())[0]["SpecReports"]
    return {name_of(s): Result(s["State"], s.get("Failure", {}).get("Message", "").strip()) for s in specs if s["LeafNodeType"] == "It"}


def missing(name):
    """The image, if it is one that is not made."""
    return next((image for image, pattern in MISSING.items() if re.search(pattern, name)), None)


def group_of(name):
    return re.match(r"\[(sig-[a-z-]+)\]", name)[1]


class Run:
    """The processes and what they find. cluster: its nodes are ready and have the images."""

    def __init__(self, cluster, e2e, minutes):
        self.cluster, self.e2e, self.results, self.lock, self.count = cluster, e2e, {}, threading.Lock(), 0
        self.killed = None
        self.limit = time.monotonic() + minutes * 60

    def __call__(self, names, minutes):
        alone = [name for name in names if "[Serial]" in name]
        together = sorted((name for name in names if name not in set(alone)), key=lambda name: "[Slow]" not in name)
        self.work(together, PARALLEL, self.limit - (SERIAL_SHARE * minutes * 60 if alone and together else 0))
        self.work(alone, 1, self.limit)
        return {name: self.results.get(name, Result("not run", "no time")) for name in names}

    def work(self, names, processes, limit):
        size = max(1, min(BATCH, len(names) // processes))
        # A group's tests are alike: each batch gets some of all.
        step = -(-len(names) // size) if names else 1
        batches = [names[at::step] for at in range(step)]
        threads = [threading.Thread(target=self.take, args=(batches, limit)) for _ in range(processes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def take(self, batches, limit):
        while True:
            with self.lock:
                if not batches or self.killed or time.monotonic() > limit - 30:
                    return
                batch, number = batches.pop(0), self.count
                self.count += 1
            found = self.run(batch, number, limit)
            with self.lock:
                self.results.update(found)
                for name, result in found.items():
                    if result.state == "failed":
                        say([f"# failed: {name}: {first_line(result.why)}"])

    def run(self, batch, number, limit):
        report, log = LOGS / f"{number}.json", LOGS / f"{number}.log"
        report.unlink(missing_ok=True)
        root = self.cluster.lab[INIT].root
        argv = ["env", "-C", "/", self.e2e, *ARGUMENTS, f"--kubeconfig={root}/etc/kubernetes/admin.conf", f"--kubectl-path={root}/usr/bin/kubectl",
                f"--ginkgo.timeout={limit - time.monotonic():.0f}s", f"--ginkgo.json-report={report}",
                *(f"--ginkgo.focus={re.escape(name)} *$" for name in batch)]
        with open(log, "wb") as out:
            code = subprocess.run(self.cluster.lab.inside(argv), stdin=subprocess.DEVNULL, stdout=out, stderr=out).returncode
        if code < 0:
            self.killed = f"e2e.test was ended by signal {-code}"
            return {name: Result("not run", self.killed) for name in batch}
        if not report.exists():
            return {name: Result("failed", f"e2e.test ended with {code} and has no report: {log}") for name in batch}
        found = results_of(report)
        if any(result.state == "interrupted" for result in found.values()):
            self.killed = "e2e.test was interrupted"
        return {name: self.settled(found.get(name), limit) for name in batch}

    def settled(self, result, limit):
        """One of passed, failed, skipped (by itself), not run."""
        if result is None:
            return Result("failed", "its process does not know it")
        if result.state in ("passed", "failed") or result.state == "skipped" and result.why:
            return result
        late = self.killed or time.monotonic() > limit - 5
        cut = "it was cut off by the time limit" if result.state == "timedout" else self.killed or "no time"
        return Result("not run", cut) if late else Result("failed", f"{result.state}: {result.why or 'no reason is given'}")


def first_line(text):
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]


# The table.

STATES = ("passed", "failed", "skipped", "no image", "not run")


def table(results):
    counts = collections.defaultdict(collections.Counter)
    for name, result in results.items():
        counts[group_of(name)][result.state] += 1
        counts["all"][result.state] += 1
    yield f"| | {' | '.join(STATES)} |"
    yield "| --- |" + " --: |" * len(STATES)
    for group in [*sorted(set(counts) - {"all"}), "all"]:
        yield f"| {group} | {' | '.join(str(counts[group][state]) for state in STATES)} |"


def why_known(name):
    return next((why for pattern, why in KNOWN.items() if re.search(pattern, name)), None)


def document(version, results, seconds):
    yield f"Kubernetes {version}, {len(results)} tests, {seconds / 60:.0f} minutes\n"
    yield from table(results)
    for state in STATES[1:]:
        names = sorted(name for name, result in results.items() if result.state == state)
        if names:
            yield f"\n## {state.capitalize()}\n"
        for name in names:
            why = (state == "failed" and why_known(name)) or first_line(results[name].why)
            yield f"- `{name}`: {why}"


def images(found):
    """The archive of those that are made."""
    shown = subprocess.run([found["e2e.test"], "--list-images"], check=True, capture_output=True, text=True).stdout.split()
    return conformance_images.archive_of(conformance_images.images(shown, found["agnhost"], LAYER))


def conformance(cluster, options, version, found, data):
    names = [name for name in listed(found["e2e.test"]) if re.search(options.focus, name)]
    if not names:
        raise Failed("no test has such a name")
    cluster.start()
    cluster.wait_ready()
    cluster.kubectl("rollout status deployment coredns --namespace kube-system --timeout=240s")
    cluster.kubectl(f"taint nodes {INIT} node-role.kubernetes.io/control-plane-")
    cluster.lab.together(lambda node: load_image(cluster, node.name, data))
    started = time.monotonic()
    without = {name: Result("no image", missing(name)) for name in names if missing(name)}
    run = Run(cluster, found["e2e.test"], options.minutes)
    results = run([n for n in names if n not in without], options.minutes) | without
    TABLE.write_text("\n".join(document(version, results, time.monotonic() - started)) + "\n")
    fine = shows(results)
    if run.killed:
        raise Failed(run.killed)
    return fine


def shows(results):
    """Says a line for each group; returns whether all is fine."""
    fine = True
    for group in sorted(set(map(group_of, results))):
        here = {name: result for name, result in results.items() if group_of(name) == group}
        counts = collections.Counter(result.state for result in here.values())
        said = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
        failed = [name for name, result in here.items() if result.state == "failed" and not why_known(name)]
        fine &= not failed
        if failed:
            say([f"not ok conformance {group}: {said}: {'; '.join(failed)}"])
        else:
            say([f"{'ok' if counts['passed'] else 'skip'} conformance {group}: {said}"])
    late = sum(result.state == "not run" for result in results.values())
    if late:
        say([f"skip conformance: no time for {late} tests"])
    return fine


def stale(found):
    """A pattern that finds no test is an error in the tables."""
    names = listed(found["e2e.test"])
    wrong = [pattern for pattern in (*MISSING.values(), *KNOWN) if not any(re.search(pattern, name) for name in names)]
    if wrong:
        raise Failed(f"no conformance test has a name like {wrong}")


def main():
    options = arguments()
    archive, why = template([sys.argv[0], *options.template]), unavailable()
    if why or not archive:
        say([f"skip conformance: {why or 'out/ has no container template with Kubernetes 1.35 or later'}"])
        return 0
    try:
        version = version_of(archive)
        found = programs(version)
        stale(found)
        data = images(found)
        say(["ok conformance: the tests and their images are made"])
        with NativeCluster(archive, roles=ROLES) as cluster:
            fine = watched("conformance", lambda c: conformance(c, options, version, found, data), cluster)
        say(["ok conformance: this host is as it was"])
    except (Failed, subprocess.CalledProcessError) as why:
        say([f"not ok conformance: {why}"])
        return 1
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
