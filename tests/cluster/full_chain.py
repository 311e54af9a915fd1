#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""full_chain.py [IMAGE]: from out/ to a cluster and back. `nodekiln publish` uploads the image that `nodekiln build` made to a fake Proxmox VE
that starts its guests for real; `nodekiln deploy` makes two of them there, which become a cluster without manual steps. The cluster
works, after a reboot of its nodes too, nothing secret is left in it or on its disks, and `nodekiln destroy` leaves nothing.
"""
import subprocess
import sys

from harness import cluster_checks
from harness.cases import same, say
from cluster import checks
from cluster.deployed import Deployed
from cluster.lab import GATEWAY, NAMESERVER, PREFIX, read_iso
from cluster.nodes import INIT, NAMES, NODEKILN, WORKER, image, watched

NOTHING = {"guests": [], "tokens": [], "access lists": [], "files": [], "disks": []}


def deploy_leaves_guests_only(cluster):
    """Seeds and tokens have gone with the last node's being ready, and the discs are out of the drives."""
    same(cluster.left(), {**NOTHING, "guests": sorted(NAMES)})
    for name in NAMES:
        discs = [value for value in cluster.options(name).values() if "iso/" in value]
        same((discs, cluster.lab[name].disc), ([], None))


def seeds_are_those_of_nodekiln_seed(cluster):
    """The same node configuration gives the same seed, whichever command makes it."""
    for name in NAMES:
        file, iso = cluster.lab.work / f"{name}.yaml", cluster.lab.work / f"{name}.iso"
        file.write_text(cluster.node_yaml(name))
        subprocess.run([NODEKILN, "seed", file, "--out", iso, "--ssh-key", f"{cluster.lab.key}.pub", "--address",
                        f"{cluster.lab[name].address}/{PREFIX}", "--gateway", GATEWAY, "--nameserver", NAMESERVER],
                       check=True, capture_output=True)
        same({part: read_iso(iso, part) for part in cluster.people.first[name].seed}, cluster.people.first[name].seed)


def deploying_again_changes_nothing(cluster):
    cluster.pve.journal.clear()
    cluster.command("deploy", "--plain", "lab.yaml")
    same([(entry.method, entry.path) for entry in cluster.pve.journal.find() if entry.method != "GET"], [])


def destroy_leaves_nothing(cluster):
    """One guest runs, one does not; the template stays."""
    with cluster.pve.cluster.lock:
        cluster.pve.start_guest(cluster.pve.cluster.guests[cluster.vmid(WORKER)])
    cluster.destroy()
    same(cluster.left(), NOTHING)
    same((cluster.lab[WORKER].process.poll() is None, cluster.secrets_file().exists()), (False, False))


MADE = (deploy_leaves_guests_only, seeds_are_those_of_nodekiln_seed, checks.the_seed_tells_the_worker_no_endpoint,
        checks.both_nodes_are_ready, checks.nodes_have_the_runtime, checks.tags_say_what_they_are, checks.notes_say_it_too,
        checks.peoples_notes_are_kept, checks.proxmox_ve_saw_no_secret_and_refused_nothing, checks.agents_are_done,
        checks.figures_are_taken)
WORKS = (*cluster_checks.CHECKS, checks.no_unit_failed)
LEAVES = (deploying_again_changes_nothing, checks.no_secret_is_left(WORKER), checks.no_secret_is_left(INIT), destroy_leaves_nothing)


def timed(title, step, cluster):
    step()
    say([f"ok {title}: {step.__name__} ({cluster.seconds():.0f} s)"])


def chain(cluster):
    for step in (cluster.set_up, cluster.publish, cluster.deploy):
        timed("chain", step, cluster)
    for name in NAMES:
        cluster.lab[name].wait()
    fine = checks.run("chain", MADE, cluster)
    cluster_checks.setup(cluster)
    fine &= checks.run("chain", WORKS, cluster)
    timed("chain", cluster.lab.reboot, cluster)
    fine &= checks.run("chain after reboots", WORKS, cluster)
    return checks.run("chain", LEAVES, cluster) and fine


if __name__ == "__main__":
    with Deployed(image(sys.argv)) as the_cluster:
        sys.exit(0 if watched("chain", chain, the_cluster) else 1)
