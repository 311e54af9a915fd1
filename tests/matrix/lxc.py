#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lxc.py [containerd|legacy|docker]...: the container template as a node, on a virtual machine in the role of a Proxmox VE host. For each
of these (all when none is given) two privileged containers with seeds become a cluster, without manual steps. The host then
keeps from a container what docs/containers.md says that it needs, one thing after the other, and the agent names it. An
unprivileged container with nesting alone runs containers of containerd; kubelet 1.20 cannot run there.

The default recipe's template is in out/ (`make image`); the others are built into out/matrix. NODEKILN names the program.
"""
import base64
import functools
import sys

from harness.cases import Failed, say
from built import DEBIAN_12, DOCKER, PVE_HOST, built
from cluster import checks, refusals, unprivileged
from cluster.cluster import watched
from cluster.containers import Containers
from cluster.leftovers import patterns_of
from cluster.nodes import INIT, NAMES, TOP

# Name: the runtime, and the template. legacy: Kubernetes 1.20, which is refused in an unprivileged container.
TEMPLATES = {"containerd": ("containerd", lambda: TOP / "out/debian-13.tar.zst"),
             "legacy": ("containerd", lambda: built(DEBIAN_12, "tar.zst")),
             "docker": ("docker", lambda: built(DOCKER, "tar.zst"))}


def no_secret_is_left(cluster):
    """In no file of a container; the search must find what Kubernetes has."""
    host = cluster.lab.host
    for name in NAMES:
        found = []
        for what, secret in cluster.secrets().items():
            patterns = base64.b64encode(b"\n".join(patterns_of(secret))).decode()
            files = host.ask(f"echo {patterns} | base64 -d | grep -rlFf - --devices=skip {cluster.lab[name].root} || true", 600)
            found += [(what, path.removeprefix(cluster.lab[name].root)) for path in files.splitlines()]
        left = [f for f in found if name != INIT or not f[1].startswith(checks.KEPT)]
        if left or (name == INIT and not found):
            raise Failed(f"{name}: {left or 'not even Kubernetes holds a secret: this search would prove nothing'}")


CHECKS = (checks.the_seed_tells_the_worker_no_endpoint, checks.both_nodes_are_ready, checks.nodes_have_the_runtime,
          checks.kube_proxy_runs_on_both, checks.a_pod_runs_on_each, checks.pods_reach_each_other,
          checks.tags_say_what_they_are, checks.notes_say_it_too, checks.peoples_notes_are_kept,
          checks.proxmox_ve_saw_no_secret_and_refused_nothing, checks.agents_are_done, checks.no_unit_failed,
          checks.figures_are_taken, no_secret_is_left)


def lxc(cluster, name):
    title = f"lxc {name}"
    cluster.start()
    cluster.wait_ready()
    say([f"ok {title}: both nodes are ready, says Proxmox VE"])
    fine = checks.run(title, CHECKS, cluster)
    if name == "legacy":
        for node in NAMES:
            cluster.lab[node].stop()
        fine &= checks.run(title, (*refusals.CHECKS, *unprivileged.CHECKS), cluster)
    return fine


def main():
    fine = True
    for name in sys.argv[1:] or TEMPLATES:
        runtime, template = TEMPLATES[name]
        with Containers(template(), built(PVE_HOST), runtime) as cluster:
            fine &= watched(f"lxc {name}", functools.partial(lxc, name=name), cluster)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
