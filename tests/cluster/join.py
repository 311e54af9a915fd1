#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""join.py [IMAGE]: two machines with the default image and seeds become a cluster, with nobody's hands; then nothing secret may
be left on their disks."""
import sys

sys.dont_write_bytecode = True
import checks  # noqa: E402
from cluster import GUESTS, Cluster, image, watched  # noqa: E402
from guest import say  # noqa: E402

CHECKS = (checks.the_seed_tells_the_worker_no_endpoint, checks.both_nodes_are_ready, checks.nodes_have_the_runtime,
          checks.kube_proxy_runs_on_both, checks.a_pod_runs_on_each, checks.pods_reach_each_other,
          checks.tags_say_what_they_are, checks.notes_say_it_too, checks.peoples_notes_are_kept, checks.proxmox_ve_saw_no_secret_and_refused_nothing,
          checks.agents_are_done, checks.no_unit_failed, checks.figures_are_taken,
          *map(checks.no_secret_is_left, GUESTS))


def join(cluster):
    cluster.start()
    cluster.wait_ready()
    say(["ok join: both nodes are ready, says Proxmox VE"])
    for name in GUESTS:
        cluster.lab[name].wait()
    return checks.run("join", CHECKS, cluster)


if __name__ == "__main__":
    with Cluster(image(sys.argv)) as the_cluster:
        sys.exit(0 if watched("join", join, the_cluster) else 1)
