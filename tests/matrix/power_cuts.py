#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""power_cuts.py [IMAGE [SEED]]: a cluster is made while both its machines lose power four times each: once while cloud-init is at
work or has just been, and at three random points of init and of join. It must end as if nothing had happened."""
import json
import random
import sys
import time

from harness.cases import say
from cluster import checks
from cluster.cluster import GUESTS, INIT, WORKER, Cluster, image, watched

CUTS = 3
DELAY_MAX = 4  # seconds into the phase
CLOUD_INIT_SAYS = b" running 'init' "  # on the console, before it writes
CLOUD_INIT_SECONDS = 7  # about when the agent begins, emulated
STATE = "/var/lib/nodekiln/state"
# The agent's steps in their order; in "kubeadm" the phases that kubeadm's output shows.
BEFORE = ("register", "rendezvous", "preflight", "turn", "kubeadm")
AFTER = ("publish", "manifests", "ready", "report", "wipe", "leave")
INIT_PHASES = ("certs", "kubeconfig", "kubelet-start", "control-plane", "etcd", "wait-control-plane", "kubelet-check",
               "apiclient", "upload-config", "kubelet", "upload-certs", "mark-control-plane", "bootstrap-token",
               "kubelet-finalize", "addons")
ORDER = {INIT: ("cloud-init", *BEFORE, *INIT_PHASES, *AFTER), WORKER: ("cloud-init", *BEFORE, "kubelet-start", *AFTER)}
# Where power may fail: what takes a moment, and what leaves something behind.
POINTS = {INIT: ("certs", "kubeconfig", "kubelet-start", "control-plane", "wait-control-plane", "upload-config",
                 "mark-control-plane", "bootstrap-token", "addons", "ready", "report", "wipe"),
          WORKER: ("rendezvous", "kubeadm", "kubelet-start", "ready", "report", "wipe")}


def place(name, text):
    """Where a node is, by the agent's state file: an index into its ORDER; -1: unknown."""
    if not text:
        return -1
    state = json.loads(text)
    phase = (state.get("waiting_for") or "").rpartition(": ")[2]
    at = phase if state.get("step") == "kubeadm" and phase in ORDER[name] else state.get("step")
    return ORDER[name].index(at) if at in ORDER[name] else -1


class Power:
    """Of one node: which cuts are to come, and when the next one is due."""

    def __init__(self, cluster, name, chance):
        self.name, self.machine, self.seconds = name, cluster.lab[name], cluster.seconds
        self.due = self.last = None
        points = sorted(chance.sample(POINTS[name], CUTS), key=ORDER[name].index)
        self.cuts = [("cloud-init", chance.uniform(0, CLOUD_INIT_SECONDS)),
                     *((point, chance.uniform(0, DELAY_MAX)) for point in points)]
        say([f"# {name}: power cuts at " + ", ".join(f"{point} + {delay:.1f} s" for point, delay in self.cuts)])

    def place(self):
        at, console = place(self.name, self.machine.read(STATE)), self.machine.console
        return 0 if at < 0 and console.exists() and CLOUD_INIT_SAYS in console.read_bytes() else at

    def look(self):
        """Returns whether all cuts have been."""
        if self.cuts and self.due is None and self.place() >= ORDER[self.name].index(self.cuts[0][0]):
            self.due = time.monotonic() + self.cuts[0][1]
        if self.due is not None and time.monotonic() >= self.due:
            self.cut()
        return not self.cuts

    def cut(self):
        (point, _), *self.cuts = self.cuts
        at = self.place()
        self.machine.reset()
        self.due, self.last = None, time.time()
        where = ORDER[self.name][at] if at >= 0 else "an unknown point"
        say([f"# {self.seconds():.0f} s: {self.name} lost power at {where}, meant for {point}"])


def power_cuts(cluster):
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.getrandbits(32)
    say([f"# seed {seed}"])
    chance = random.Random(seed)
    powers = [Power(cluster, name, chance) for name in GUESTS]
    cluster.start()
    cluster.wait(lambda: all([power.look() for power in powers]), "all power cuts", pause=1)
    for name in GUESTS:
        cluster.lab[name].wait()
    cluster.wait(lambda: all_are_back(cluster, powers), "both nodes ready after the last power cut", pause=5)
    say([f"ok power_cuts: both nodes are ready after {cluster.seconds():.0f} s"])
    return checks.run("power_cuts", CHECKS, cluster)


def all_are_back(cluster, powers):
    """Ready, by what their kubelets have said since they lost power last."""
    return all(cluster.state(p.name) == "ready" for p in powers) and \
        checks.are_ready_since(cluster, {p.name: p.last for p in powers})


CHECKS = (checks.both_nodes_are_ready, checks.nodes_have_the_runtime, checks.kube_proxy_runs_on_both, checks.a_pod_runs_on_each,
          checks.pods_reach_each_other, checks.tags_say_what_they_are, checks.notes_say_it_too,
          checks.peoples_notes_are_kept, checks.agents_are_done, checks.no_unit_failed,
          *map(checks.no_secret_is_left, GUESTS))


if __name__ == "__main__":
    with Cluster(image(sys.argv)) as the_cluster:
        sys.exit(0 if watched("power_cuts", power_cuts, the_cluster) else 1)
