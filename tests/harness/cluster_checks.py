# SPDX-License-Identifier: Apache-2.0
"""What every cluster must do, whatever its nodes are: emulated machines, native containers, containers of a machine. Not a test itself.

A cluster has: names (of its nodes; the first is the init node), lab[NAME] (ask(), put()), kubectl(), get(), runtime.
The checks are run after the nodes have become ready, and again after each has been rebooted. setup() comes first.
"""
import json
import time

from harness import busybox_image
from harness.cases import Failed, same

PATIENCE = 600  # an emulated control plane needs minutes after a reboot
PORT, LOCAL_PORT, SERVICE = 8080, 18080, "web"
CLUSTER_DOMAIN = "cluster.local"
IMAGE_FILE = "/var/tmp/nodekiln-test-image.tar"
PULL_REASONS = ("Pulling", "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull")
SERVE = "hostname >/www/index.html; echo \"$(hostname) serves\"; httpd -f -p {port} -h /www & trap 'kill $!; exit' TERM; wait"
TIMEOUT = 10  # seconds that one question may take. busybox 1.35 dies of wget -T
# Port-forwarding needs a client that lives as long as the question; a node has neither curl nor wget.
FORWARD = """\
exec 9< <(kubectl --kubeconfig /etc/kubernetes/admin.conf port-forward pod/{pod} {local}:{port} 2>&1 & echo pid $!; wait)
read -r _ pid <&9; trap 'kill $pid' EXIT
read -r -t {patience} line <&9 || exit 1
case $line in Forwarding*) ;; *) echo "$line" >&2; exit 1 ;; esac
exec 8<>/dev/tcp/127.0.0.1/{local}
printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&8; timeout {timeout} cat <&8
"""


def pod_of(node):
    return f"web-{node}"


def condition(thing, kind):
    return next((c["status"] for c in thing["status"].get("conditions", []) if c["type"] == kind), "missing")


def eventually(get, want, seconds=PATIENCE):
    """get() is want within that time; what it raises counts as another answer."""
    limit = time.monotonic() + seconds
    while True:
        try:
            got = get()
        except Failed as why:
            got = str(why)
        if got == want or time.monotonic() > limit:
            return same(got, want)
        time.sleep(0.5)


def load_image(cluster, name, data):
    machine = cluster.lab[name]
    machine.put(IMAGE_FILE, data)
    machine.ask(f"sudo -n {busybox_image.LOAD[cluster.runtime].format(file=IMAGE_FILE)} && rm {IMAGE_FILE}")


def pod(node):
    """It does not keep a stopping node waiting."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod_of(node), "labels": {"test": SERVICE}}, "spec": {
        "nodeName": node, "terminationGracePeriodSeconds": 1, "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": SERVICE, "image": busybox_image.NAME, "imagePullPolicy": "Never", "ports": [{"containerPort": PORT}],
                        "command": ["/bin/sh", "-c", SERVE.format(port=PORT)],
                        "resources": {"limits": {"memory": "32Mi", "cpu": "500m"}},
                        "readinessProbe": {"httpGet": {"port": PORT, "path": "/"}, "periodSeconds": 1}}]}}


def setup(cluster):
    """A pod on every node, and a Service over them all."""
    data = busybox_image.archive()
    for name in cluster.names:
        load_image(cluster, name, data)
    eventually(lambda: cluster.kubectl("get serviceaccount default -o name"), "serviceaccount/default")
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE}, "spec": {
        "selector": {"test": SERVICE}, "ports": [{"port": 80, "targetPort": PORT}]}}
    # To validate it here kubectl would ask for the whole schema, which takes an emulated API server minutes.
    cluster.kubectl("create --validate=false -f -", json.dumps({"apiVersion": "v1", "kind": "List", "items": [service, *map(pod, cluster.names)]}))


def run_in(cluster, node, *commands, stdin=None):
    """In the pod of that node, one after the other; the lines that they say. Each question costs an emulated node seconds: few are asked."""
    script = quoted("; ".join(commands))
    return cluster.kubectl(f"exec {'-i ' if stdin else ''}{pod_of(node)} -- sh -c {script}", stdin).splitlines()


def fetch(where):
    return f"timeout {TIMEOUT} wget -q -O - http://{where}/"


def addresses(cluster):
    return {p["spec"]["nodeName"]: p["status"].get("podIP") for p in cluster.get(f"pods --selector test={SERVICE}")}


# The checks.

def all_nodes_are_ready(cluster):
    eventually(lambda: {n["metadata"]["name"]: condition(n, "Ready") for n in cluster.get("nodes")}, dict.fromkeys(cluster.names, "True"))


def unready(pod):
    """What its status says of the containers that are not ready."""
    status = pod["status"]
    containers = [f"{c['name']}, {c['restartCount']} restarts: {c['state']}" for c in status.get("containerStatuses", []) if not c["ready"]]
    return f"{pod['metadata']['name']} on {pod['spec'].get('nodeName', 'no node')}: {status['phase']} {containers} {condition(pod, 'Ready')}"


def all_pods_are_ready(cluster):
    """Those of the system too, DNS among them."""
    eventually(lambda: [unready(p) for p in cluster.get("pods -A") if condition(p, "Ready") != "True"], [])
    same(sorted(addresses(cluster)), sorted(cluster.names))
    for part in ("kube-proxy", "kube-dns"):
        if not cluster.get(f"pods --namespace kube-system --selector k8s-app={part}"):
            raise Failed(f"no pod of {part} runs")


def pods_reach_each_other(cluster):
    """By their addresses, from each node to each. After a reboot a pod is "Ready" without an address until its kubelet has looked."""
    def reached(here):
        at = addresses(cluster)
        return run_in(cluster, here, *(fetch(f"{at[there]}:{PORT}") for there in cluster.names))

    for here in cluster.names:
        eventually(lambda: reached(here), [*map(pod_of, cluster.names)])


def names_resolve(cluster):
    """In full and by the search list, on every node; a name that does not exist does not."""
    service = json.loads(cluster.kubectl(f"get service {SERVICE} -o json"))["spec"]["clusterIP"]
    for node in cluster.names:
        questions = (f"nslookup {SERVICE}.default.svc.{CLUSTER_DOMAIN} | busybox grep -qw {service} && echo in full",
                     f"{fetch(SERVICE)} >/dev/null && echo by the search list",
                     f"nslookup none.default.svc.{CLUSTER_DOMAIN} >/dev/null 2>&1 || echo another is none")
        eventually(lambda: run_in(cluster, node, *questions), ["in full", "by the search list", "another is none"])


def a_service_reaches_every_node(cluster):
    for node in cluster.names:
        eventually(lambda: sorted(set(run_in(cluster, node, *[fetch(SERVICE)] * 12))), sorted(map(pod_of, cluster.names)))


def logs_are_read(cluster):
    for node in cluster.names:
        same(cluster.kubectl(f"logs {pod_of(node)}"), f"{pod_of(node)} serves")


def commands_are_executed(cluster):
    for node in cluster.names:
        same(run_in(cluster, node, "hostname", "cat", stdin=f"words for {node}"), [pod_of(node), f"words for {node}"])


def ports_are_forwarded(cluster):
    for node in cluster.names:
        command = FORWARD.format(pod=pod_of(node), local=LOCAL_PORT, port=PORT, patience=60, timeout=TIMEOUT)
        answer = cluster.lab[cluster.names[0]].ask(f"sudo -n bash -c {quoted(command)}")
        same(answer.splitlines()[-1], pod_of(node))


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def no_image_was_pulled(cluster):
    """Kubernetes keeps its events for an hour."""
    events = [e for e in cluster.get("events -A") if e["reason"] in PULL_REASONS or "pull image" in e.get("message", "")]
    same([(e["reason"], e["message"]) for e in events], [])


CHECKS = (all_nodes_are_ready, all_pods_are_ready, pods_reach_each_other, names_resolve, a_service_reaches_every_node, logs_are_read,
          commands_are_executed, ports_are_forwarded, no_image_was_pulled)
