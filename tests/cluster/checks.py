# SPDX-License-Identifier: Apache-2.0
"""What a cluster must be when its nodes say that they are ready. Not a test itself."""
import calendar
import ipaddress
import json
import time

from harness.cases import Failed, same, say
from cluster import figures
from cluster.leftovers import leftovers
from cluster.nodes import INIT, NAMES, WORKER
from cluster.runtimes import PID

# Where Kubernetes itself keeps secrets, on control planes: the CAs' keys; a bootstrap token, until it expires.
KEPT = ("/etc/kubernetes/pki/", "/var/lib/etcd/")
PATIENCE = 240


def condition(thing, kind):
    return next((c["status"] for c in thing["status"].get("conditions", []) if c["type"] == kind), "missing")


def is_ready_since(node, moment):
    ready = next((c for c in node["status"]["conditions"] if c["type"] == "Ready" and c["status"] == "True"), None)
    return ready and calendar.timegm(time.strptime(ready["lastHeartbeatTime"], "%Y-%m-%dT%H:%M:%SZ")) > moment


def are_ready_since(cluster, moments):
    """moments: by name. By what their kubelets have said since then; False, too, when no node answers at the moment."""
    try:
        nodes = {n["metadata"]["name"]: n for n in cluster.get("nodes")}
    except Failed:
        return False
    return all(name in nodes and is_ready_since(nodes[name], moment) for name, moment in moments.items())


def the_seed_tells_the_worker_no_endpoint(cluster):
    for word in ("control_plane_endpoint", "ca_cert_hashes", cluster.lab[INIT].address, "sha256:"):
        if word in cluster.node_yaml(WORKER):
            raise Failed(f"the worker's configuration has {word}")


def both_nodes_are_ready(cluster):
    nodes = cluster.get("nodes")
    same({n["metadata"]["name"]: condition(n, "Ready") for n in nodes}, {name: "True" for name in NAMES})
    same({n["metadata"]["name"]: n["spec"]["providerID"] for n in nodes},
         {name: f"proxmox://{cluster.name}/{cluster.vmid(name)}" for name in NAMES})
    same({n["metadata"]["name"]: [a["address"] for a in n["status"]["addresses"] if a["type"] == "InternalIP"] for n in nodes},
         {name: [cluster.lab[name].address] for name in NAMES})


def nodes_have_the_runtime(cluster):
    """And no other one."""
    info = {n["metadata"]["name"]: n["status"]["nodeInfo"]["containerRuntimeVersion"] for n in cluster.get("nodes")}
    same({name: version.partition("://")[0] for name, version in info.items()}, dict.fromkeys(cluster.names, cluster.runtime))


def kube_proxy_runs_on_both(cluster):
    """It comes after its node: a Node can be Ready before the scheduler has placed it."""
    want, limit = [(name, "Running", "True") for name in sorted(NAMES)], time.monotonic() + PATIENCE
    while True:
        pods = cluster.get("pods --namespace kube-system --selector k8s-app=kube-proxy")
        got = sorted((p["spec"].get("nodeName", ""), p["status"]["phase"], condition(p, "Ready")) for p in pods)
        if got == want or time.monotonic() > limit:
            return same(got, want)
        time.sleep(2)


def idle_pod(name, image):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"idle-{name}", "labels": {"test": "idle"}}, "spec": {
        "nodeName": name, "containers": [{"name": "idle", "image": image, "imagePullPolicy": "Never"}]}}


def a_pod_runs_on_each(cluster):
    """Of an image that the build preloaded; each has an address from its node's part of the pod network."""
    image = json.loads(cluster.lab[WORKER].ask("cat /etc/nodekiln/image.json"))["pause_image"]
    pods = {"apiVersion": "v1", "kind": "List", "items": [idle_pod(name, image) for name in NAMES]}
    cluster.kubectl("get serviceaccount default")
    cluster.kubectl("apply -f -", json.dumps(pods))
    limit = time.monotonic() + PATIENCE
    while not all(condition(p, "Ready") == "True" for p in cluster.get("pods --selector test=idle")):
        if time.monotonic() > limit:
            raise Failed(f"after {PATIENCE} s: {json.dumps([p['status'] for p in cluster.get('pods --selector test=idle')])}")
        time.sleep(2)
    subnets = {n["metadata"]["name"]: n["spec"]["podCIDR"] for n in cluster.get("nodes")}
    for pod in cluster.get("pods --selector test=idle"):
        if ipaddress.ip_address(pod["status"]["podIP"]) not in ipaddress.ip_network(subnets[pod["spec"]["nodeName"]]):
            raise Failed(f"{pod['metadata']['name']} has {pod['status']['podIP']}, which is not in {subnets}")


def pods_reach_each_other(cluster):
    """From inside the one node's pod to the other node's, both ways."""
    addresses = {p["spec"]["nodeName"]: p["status"]["podIP"] for p in cluster.get("pods --selector test=idle")}
    for here, there in ((INIT, WORKER), (WORKER, INIT)):
        machine = cluster.lab[here]
        pid = PID[cluster.runtime](machine, f"idle-{here}")
        machine.ask(f"sudo -n nsenter -t {pid} -n ping -q -c 3 -i 1 -w {PATIENCE} {addresses[there]}", PATIENCE + 30)


def tags_say_what_they_are(cluster):
    for name in NAMES:
        role = "init" if name == INIT else "worker"
        others = [tag for tag in cluster.given(name)["tags"].split(";") if not tag.startswith("k8s.")]
        same(sorted(cluster.options(name)["tags"].split(";")),
             sorted([*others, f"k8s.cluster.{cluster.name}", f"k8s.role.{role}", "k8s.state.ready"]))


def notes_say_it_too(cluster):
    init, worker = cluster.member(INIT), cluster.member(WORKER)
    version = cluster.get("nodes")[0]["status"]["nodeInfo"]["kubeletVersion"]
    for name, member in ((INIT, init), (WORKER, worker)):
        same([member.get(key) for key in ("cluster", "state", "node", "version", "error", "claim")],
             [cluster.name, "ready", name, version, None, None])
    hashes = 0 if "\npki:" in cluster.node_yaml(INIT) else 1  # a node that has the CA needs no hash of it
    same((init["endpoint"], len(init.get("ca", []))), (f"{cluster.lab[INIT].address}:6443", hashes))
    same([key for key in ("endpoint", "ca") if key in worker], [])


def peoples_notes_are_kept(cluster):
    for name in NAMES:
        theirs = "\n".join(line for line in cluster.notes(name).splitlines() if not line.startswith("nodekiln: "))
        same(theirs.strip(), cluster.given(name)["description"].strip())


def proxmox_ve_saw_no_secret_and_refused_nothing(cluster):
    """Nothing of what agents asked: a refused request is one that the agent did not need to send."""
    for entry in cluster.pve.journal.find():
        if "agent@pve!" in (entry.who or "") and (entry.status >= 400 or entry.status == 0):
            raise Failed(f"{entry.method} {entry.path} got {entry.status}")
        for name, secret in cluster.secrets().items():
            if any(secret in str(value) for value in entry.values.values()):
                raise Failed(f"{entry.method} {entry.path} has the {name}")


def agents_are_done(cluster):
    for name in cluster.names:
        machine = cluster.lab[name]
        limit = time.monotonic() + PATIENCE  # "ready" is said before the wiping
        while machine.ask("systemctl is-active nodekiln-agent || true") == "active" and time.monotonic() < limit:
            time.sleep(1)
        same(machine.ask("systemctl is-active nodekiln-agent || true"), "inactive")
        same(machine.ask("systemctl is-enabled nodekiln-agent || true"), "disabled")
        machine.ask("test -e /run/cluster-api/bootstrap-success.complete -a -e /var/lib/nodekiln/done")
        same(json.loads(machine.ask("nodekiln-agent status --json"))["phase"], "ready")


def no_unit_failed(cluster):
    for name in cluster.names:
        same(cluster.lab[name].ask("systemctl --failed --plain --no-legend --no-pager"), "")


def figures_are_taken(cluster):
    """The last check of a cluster that rests: for docs/containers.md."""
    measured = figures.write(cluster.lab.image, cluster.lab.machines, cluster.get("nodes"), cluster.get("pods -A"))
    say([f"# {name}: {json.dumps(node)}" for name, node in measured.items()])


def run(title, checks, cluster):
    """All of them; returns whether all are fine."""
    fine = True
    for check in checks:
        try:
            check(cluster)
            say([f"ok {title}: {check.__name__}"])
        except (Failed, ValueError, KeyError, StopIteration) as why:
            fine = False
            say([f"not ok {title}: {check.__name__}: {why!r}"])
    return fine


def no_secret_is_left(name):
    """On the disk of a machine that is powered off by this."""
    def no_secret_is_left_on(cluster):
        cluster.lab[name].power_off()
        found = leftovers(cluster.lab[name].disk, cluster.secrets(), cluster.lab.work)
        say([f"# {name}: on the disk, but in no file: {found['elsewhere']}"])
        files = {path: names for path, names in found["files"].items() if name != INIT or not path.startswith(KEPT)}
        if name == INIT and files == found["files"]:
            raise Failed("not even Kubernetes holds a secret: this search would prove nothing")
        if files:
            raise Failed(json.dumps(files))

    no_secret_is_left_on.__name__ += f"_{name}"
    return no_secret_is_left_on
