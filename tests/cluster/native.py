#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""native.py [TEMPLATE.tar.zst]: an init node, a second control plane and a worker, unprivileged containers on this host
(harness/native.py), started together, become a cluster without manual steps. It does what a cluster must do
(harness/cluster_checks.py), and again after each node has been rebooted. No registry is asked, and this host is as it was.

TEMPLATE: else NODEKILN_TEMPLATE, else the newest in out/ with Kubernetes 1.35 or later. Where the host cannot run it, a skip says why.
"""
import sys
import time

from harness import cluster_checks
from harness.cases import Failed, say
from harness.native import unavailable
from cluster import checks, figures
from cluster.native_cluster import NativeCluster, template
from cluster.nodes import INIT, watched


def agents_are_done(cluster):
    checks.agents_are_done(cluster)


def no_registry_was_asked(cluster):
    """A program that asks one asks for its name first; the cluster's DNS asks the nodes' name server for what it does not know."""
    names = cluster.lab.resolver.asked
    if not names:
        raise Failed("no name was asked for: this search would prove nothing")
    asked = sorted({name for name in names if "registry" in name or "docker.io" in name or name.endswith((".k8s.io", ".pkg.dev"))})
    if asked:
        raise Failed(f"asked for: {asked}")


ONCE = (checks.nodes_have_the_runtime, checks.no_unit_failed, agents_are_done, no_registry_was_asked)


def ready_seconds(cluster):
    """From the start of the container until its Node was Ready, by both clocks' whole seconds."""
    node = next(n for n in cluster.get("nodes") if n["metadata"]["name"] == INIT)
    return figures.ready_at(node) - figures.started(cluster.lab[INIT])


def native(cluster, title="native"):
    cluster.start()
    cluster.wait_ready()
    say([f"ok {title}: all nodes are ready, says Proxmox VE ({cluster.seconds():.0f} s)",
         f"# {INIT}: start to Ready in {ready_seconds(cluster):.0f} s"])
    cluster_checks.setup(cluster)
    fine = checks.run(title, (*cluster_checks.CHECKS, *ONCE), cluster)
    before = time.monotonic()
    killed = cluster.reboot()
    fine &= checks.run(f"{title} after reboots", (*cluster_checks.CHECKS, checks.no_unit_failed, no_registry_was_asked), cluster)
    say([f"# {time.monotonic() - before:.0f} s for the reboots and their checks; ended by force: {killed or 'none'}"])
    return fine


def main(argv):
    why, archive = unavailable(), template(argv)
    if why or not archive:
        say([f"skip native: {why or 'out/ has no container template with Kubernetes 1.35 or later'}"])
        return 0
    try:
        with NativeCluster(archive) as cluster:
            fine = watched("native", native, cluster)
    except Failed as why:
        say([f"not ok native: {why}"])
        return 1
    say(["ok native: this host is as it was"])
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
