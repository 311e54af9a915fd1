# SPDX-License-Identifier: Apache-2.0
"""What a Proxmox VE host can keep from a container that is to be a node, and what nodekiln-agent then says. Not a test itself:
matrix/lxc.py uses it, with a host that has just run a cluster."""
from harness.cases import Failed
from harness.container import NESTING
from cluster.nodes import WORKER

NODE = "cluster: lab\\nrole: init\\nnetworking: {pod_network: bridge, pod_subnet: 10.244.0.0/16}\\n"
SWAP = "/var/tmp/swap"


def findings(ct):
    """Of a node that is about to begin; the container may have been one before."""
    return ct.ask(f"mkdir -p /etc/nodekiln; printf '{NODE}' >/etc/nodekiln/node.yaml; chmod 600 /etc/nodekiln/node.yaml; "
                  "nodekiln-agent run --dry-run | grep ^preflight || true")


def names(ct, piece):
    said = findings(ct)
    if piece not in said:
        raise Failed(f"no finding has '{piece}': {said}")


def does_not_name(ct, piece):
    said = findings(ct)
    if piece in said:
        raise Failed(f"'{piece}' is found where all is well: {said}")


def host_lacks(piece, before, after):
    """before, after: what is done on the host, or in the container when it begins with `ct: `."""
    def run(cluster, command):
        where = cluster.lab[WORKER] if command.startswith("ct: ") else cluster.lab.host
        where.ask(command.removeprefix("ct: "))

    def check(cluster):
        ct = cluster.lab[WORKER]
        does_not_name(ct, piece)
        run(cluster, before)
        try:
            names(ct, piece)
        finally:
            run(cluster, after)
        does_not_name(ct, piece)
    return check


def named(name, check):
    check.__name__ = name
    return check


def without_nesting_the_agent_says_so(cluster):
    ct = cluster.lab[WORKER]
    ct.configure(nesting="", raw="")
    ct.start()
    names(ct, "pct set VMID --features nesting=1")
    ct.stop()
    ct.configure(nesting=NESTING, raw="")
    ct.start()
    does_not_name(ct, "nesting=1")


CHECKS = (
    without_nesting_the_agent_says_so,
    named("a_kernel_setting_is_named", host_lacks("needs vm.overcommit_memory=1", "sysctl -q vm.overcommit_memory=0",
                                                  "sysctl -q vm.overcommit_memory=1")),
    named("a_module_is_named", host_lacks("modprobe br_netfilter", "rmmod br_netfilter", "modprobe br_netfilter")),
    named("kmsg_is_named", host_lacks("/dev/kmsg dev/kmsg none defaults,bind,create=file", "ct: rm /dev/kmsg",
                                      "ct: ln -s /dev/console /dev/kmsg")),
)
