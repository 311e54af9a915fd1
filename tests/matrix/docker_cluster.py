#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker_cluster.py [IMAGE]: two machines with Docker and seeds (the recipe debian-12-docker, built into out/matrix when no image
is given) become a cluster, without manual steps: kubelet 1.20 speaks to Docker by its dockershim. Then a node is reset as the agent
does it."""
import sys

from harness.cases import matches, same, say
from built import DOCKER, built
from cluster import checks
from cluster.cluster import GUESTS, WORKER, Cluster, watched

RESET = "kubeadm reset -f --cri-socket /var/run/dockershim.sock"  # kubeadm_reset.c


def docker_leaves_the_firewall_alone(cluster):
    """Or it drops what goes from pod to pod."""
    for name in GUESTS:
        same(cluster.lab[name].ask("sudo -n iptables -S FORWARD").splitlines()[0], "-P FORWARD ACCEPT")
        same(cluster.lab[name].ask("sudo -n iptables-save | grep -ci docker || true"), "0")


def kubelet_and_docker_use_one_cgroup_driver(cluster):
    for name in GUESTS:
        machine = cluster.lab[name]
        same(machine.ask("sudo -n grep ^cgroupDriver: /var/lib/kubelet/config.yaml"), "cgroupDriver: systemd")
        machine.ask("test -d /sys/fs/cgroup/kubepods.slice")


def a_reset_removes_the_containers(cluster):
    machine = cluster.lab[WORKER]
    matches(machine.ask("sudo -n docker ps -q | wc -l"), "[1-9][0-9]*")
    machine.ask(f"sudo -n {RESET}")
    same(machine.ask("sudo -n docker ps -aq"), "")
    machine.ask("sudo -n test ! -e /etc/kubernetes/kubelet.conf")


CHECKS = (checks.both_nodes_are_ready, checks.nodes_have_the_runtime, checks.kube_proxy_runs_on_both, checks.a_pod_runs_on_each,
          checks.pods_reach_each_other, docker_leaves_the_firewall_alone, kubelet_and_docker_use_one_cgroup_driver,
          checks.tags_say_what_they_are, checks.notes_say_it_too, checks.agents_are_done, checks.no_unit_failed,
          checks.figures_are_taken, a_reset_removes_the_containers)


def docker_cluster(cluster):
    cluster.start()
    cluster.wait_ready()
    say(["ok docker_cluster: both nodes are ready, says Proxmox VE"])
    for name in GUESTS:
        cluster.lab[name].wait()
    return checks.run("docker_cluster", CHECKS, cluster)


if __name__ == "__main__":
    image = sys.argv[1] if len(sys.argv) > 1 else built(DOCKER)
    with Cluster(image, runtime="docker") as the_cluster:
        sys.exit(0 if watched("docker_cluster", docker_cluster, the_cluster) else 1)
