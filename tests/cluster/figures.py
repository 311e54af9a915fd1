# SPDX-License-Identifier: Apache-2.0
"""What a node of a stack costs, measured in the guest, as one file for each stack: out/stacks/vm-containerd.json, vm-docker.json,
lxc-containerd.json, lxc-docker.json. tests/bench/stacks makes the table of docs/containers.md from them. Not a test itself.

    {"stack": "vm-docker",                       # the artifact's kind and the runtime, as /etc/nodekiln/image.json has them
     "artifact": {"name": "debian-12-docker-k8s-1.20-eol.qcow2", "bytes": 443023872},
     "kubernetes": "v1.20.2", "runtime": "docker://20.10.24+dfsg1",
     "nodes": {"cp1": {"role": "init",           # or "worker"
                       "ready_seconds": 135,     # from the start of the guest's init until the Node was Ready
                       "pods": 6,                # that run on it
                       "programs": {"dockerd": {"processes": 1, "rss_kib": 99000, "pss_kib": 98000}, ...}}}}
"""
import calendar
import json
import time
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent.parent / "out/stacks"
# As the kernel knows them: the first 15 characters of the file's name.
PROGRAMS = ("kubelet", "containerd", "containerd-shim", "dockerd", "cri-dockerd")
PROCESSES = "grep -sH . /proc/[0-9]*/comm; grep -sHE '^(Rss|Pss):' /proc/[0-9]*/smaps_rollup; true"
# Everything since the host's boot: in a container it is not the guest's.
CLOCK = "grep -h ^btime /proc/stat; sed 's/.*) //' /proc/1/stat; getconf CLK_TCK"


def programs(machine):
    """Of the runtime and kubelet, by name. PSS counts what processes share once."""
    names, found = {}, {}
    for line in machine.ask(f"sudo -n sh -c \"{PROCESSES}\"").splitlines():
        path, _, value = line.partition(":")
        _, _, pid, file = path.split("/")
        if file == "comm":
            names[pid] = value[:15]
        elif names.get(pid) in PROGRAMS:
            key, kib, _ = value.split()
            one = found.setdefault(names[pid], {"processes": 0, "rss_kib": 0, "pss_kib": 0})
            one["processes"] += key == "Rss:"
            one[key[:-1].lower() + "_kib"] += int(kib)
    return found


def started(machine):
    """When the guest's init was started, in seconds since 1970."""
    btime, stat, ticks = machine.ask(CLOCK).splitlines()
    return int(btime.split()[1]) + int(stat.split()[19]) / int(ticks)


def ready_at(node):
    ready = next(c for c in node["status"]["conditions"] if c["type"] == "Ready" and c["status"] == "True")
    return calendar.timegm(time.strptime(ready["lastTransitionTime"], "%Y-%m-%dT%H:%M:%SZ"))


def measure(machine, node, pods):
    """machine: whom to ask; node: its Node; pods: the cluster's."""
    plane = any(label.startswith("node-role.kubernetes.io/") for label in node["metadata"]["labels"])
    name = node["metadata"]["name"]
    return {"role": "init" if plane else "worker", "ready_seconds": round(ready_at(node) - started(machine)),
            "pods": sum(p["spec"].get("nodeName") == name for p in pods), "programs": programs(machine)}


def write(artifact, machines, nodes, pods):
    """artifact: the file that the nodes were made from; machines by their nodes' names; nodes, pods: all of the cluster's."""
    image = json.loads(next(iter(machines.values())).ask("cat /etc/nodekiln/image.json"))
    stack = f"{image['artifact']}-{image['runtime']}"
    info = nodes[0]["status"]["nodeInfo"]
    measured = {node["metadata"]["name"]: measure(machines[node["metadata"]["name"]], node, pods) for node in nodes}
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{stack}.json").write_text(json.dumps({
        "stack": stack, "artifact": {"name": Path(artifact).name, "bytes": Path(artifact).stat().st_size},
        "kubernetes": info["kubeletVersion"], "runtime": info["containerRuntimeVersion"], "nodes": measured}, indent=2) + "\n")
    return measured
