# SPDX-License-Identifier: Apache-2.0
"""An unprivileged container with nesting=1, which is all that a token may set, under AppArmor. Not a test itself: matrix/lxc.py uses it.
kubelet 1.20, the image's, cannot run there; what the agent gives to later ones are golden files
(tests/golden/kubeadm/1.34/*-container.conf), and image/lxc.py has what needs no other kernel."""
from harness.cases import Failed, same
from cluster.refusals import names

VMID, NAME, ADDRESS, MAC = 103, "u1", "10.0.2.23", "bc:24:11:00:00:67"
RUN = "ctr -n k8s.io run --rm --runc-systemd-cgroup --cgroup system.slice:nodekiln:{name} {image} {name} {command}"


def it_boots(cluster):
    ct = cluster.lab.host.create("base", VMID, NAME, ADDRESS, MAC)
    cluster.unprivileged = ct
    ct.start()
    state = ct.ssh("systemctl is-system-running --wait").stdout.strip()
    if state != "running":
        raise Failed(f"{state}; failed: {ct.ask('systemctl --failed --plain --no-legend --no-pager')}")
    same(ct.ask("cat /proc/self/uid_map").split(), ["0", "100000", "65536"])


def the_agent_knows_where_it_is(cluster):
    names(cluster.unprivileged, "kubelet 1.20 cannot run in an unprivileged container")
    same(cluster.unprivileged.ask("nodekiln-agent run --dry-run | grep ^profile").split(None, 1)[1], "unprivileged container")


def containerd_runs_containers(cluster):
    """Of images that came with the template: one of a single layer, one of several."""
    ct = cluster.unprivileged
    images = ct.ask("ctr -n k8s.io images ls -q").split()
    server, proxy = (next(i for i in images if f"/{part}:" in i) for part in ("kube-apiserver", "kube-proxy"))
    same(ct.ask(RUN.format(image=server, name="one", command="/usr/local/bin/kube-apiserver --version")), "Kubernetes v1.20.2")
    ct.ask(RUN.format(image=proxy, name="two", command="iptables --version") + " | grep nf_tables")


def without_nesting_the_agent_says_so(cluster):
    ct = cluster.unprivileged
    ct.stop()
    ct.configure(nesting="", raw="")
    ct.start()
    names(ct, "pct set VMID --features nesting=1")


CHECKS = (it_boots, the_agent_knows_where_it_is, containerd_runs_containers, without_nesting_the_agent_says_so)
