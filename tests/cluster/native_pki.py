#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""native_pki.py [TEMPLATE.tar.zst]: what credentials of nodes are worth, in a native cluster (harness/native.py) whose PKI nodekiln made.
A first node and a worker make the cluster; nothing in it lets others join. The worker's root tries to be another node. A worker whose
seed has expired is refused; with a new seed it joins, and so does a control plane, with certificates made after the first have expired.
The kubeconfig works from outside.

What a bootstrap token is worth is shown next to it: its holder becomes any node.
"""
import base64
import json
import subprocess
import sys
import time

from harness.cases import Failed, check, same, say
from harness.native import unavailable
from cluster.lab import read_iso
from cluster.native_cluster import NativeCluster, template
from cluster.nodes import INIT, KUBECTL, NODEKILN, WORKER, watched

LATE, SECOND = "w2", "cp2"
ROLES = {INIT: "init", WORKER: "worker", LATE: "worker", SECOND: "control-plane"}
EXPIRES = "2s"
EC_KEY = bytes.fromhex("30310201010420"), bytes.fromhex("a00a06082a8648ce3d030107")  # RFC 5915, P-256
REQUEST = """{{"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {{"name": "{name}"}}, "spec": {{
"signerName": "kubernetes.io/kube-apiserver-client-kubelet", "usages": ["digital signature", "client auth"], "request": "{request}"}}}}"""


class PkiCluster(NativeCluster):
    """Of the late nodes only the seed is there: an expired one of the worker, none yet of the control plane."""

    def make_seeds(self):
        for name in (INIT, WORKER):
            self.make_seed(name)
        self.make_seed(LATE, "--valid", EXPIRES)
        self.make_seed(SECOND, "--valid", EXPIRES)

    def make_seed(self, name, *options):
        file, seed = self.lab.work / f"{name}.yaml", self.lab.work / f"{name}.iso"
        file.write_text(json.dumps(self.wish(name)))
        subprocess.run([NODEKILN, "seed", file, "--secrets", self.secrets_file(), "--out", seed, *options], check=True, capture_output=True)
        self.configurations[name] = read_iso(seed, "nodekiln.yaml")

    def renew_seed(self, name, *options):
        self.make_seed(name, *options)
        self.lab[name].write("etc/nodekiln/node.yaml", 0o600, self.configurations[name])

    def start_nodes(self, *names):
        self.started = time.monotonic()
        self.lab.together(lambda node: node.start(), names)

    def wait_for(self, *names):
        self.wait(lambda: all(self.state(name) == "ready" for name in names), f"{names} ready")
        say([f"# {self.seconds():.0f} s: {' and '.join(names)} ready"])

    def look_at(self, name):
        if self.lab[name].process:
            super().look_at(name)

    def part(self, name, key):
        """Of the section `pki` in a node's seed."""
        line = next(line for line in self.configurations[name].splitlines() if line.startswith(f"  {key}: "))
        return json.loads(line.partition(": ")[2])


def pem_of(key):
    body = base64.b64encode(EC_KEY[0] + bytes.fromhex(key) + EC_KEY[1]).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{body[:64]}\n{body[64:]}\n-----END EC PRIVATE KEY-----\n"


def stolen(cluster, name):
    """A kubeconfig of what the seed of a node has."""
    def data(text):
        return base64.b64encode(text.encode()).decode()
    user = {"client-certificate-data": data(cluster.part(name, "certificate")), "client-key-data": data(pem_of(cluster.part(name, "key")))}
    return kubeconfig(cluster, user)


def kubeconfig(cluster, user):
    ca = base64.b64encode(cluster.part(WORKER, "ca").encode()).decode()
    return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "x",
                       "user": "x"}}], "users": [{"name": "x", "user": user}], "clusters": [{"name": "x", "cluster": {
                           "server": f"https://{cluster.lab[INIT].address}:6443", "certificate-authority-data": ca}}]})


def request_for(node):
    """A certificate signing request for another node's name, in base64."""
    made = subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null",
                           "-subj", f"/O=system:nodes/CN=system:node:{node}"], capture_output=True, check=True)
    return base64.b64encode(made.stdout).decode()


def attempt(cluster, arguments, stdin=""):
    return cluster.lab[WORKER].ssh(f"kubectl --kubeconfig /tmp/stolen {arguments}", data=stdin.encode())


def nothing_lets_others_join(cluster):
    time.sleep(1)  # in which kubeadm's own token ends
    tokens = json.loads(cluster.kubectl("get secrets -n kube-system --field-selector type=bootstrap.kubernetes.io/token -o json"))["items"]
    for token in tokens:
        ends = base64.b64decode(token["data"]["expiration"]).decode()
        check(ends < time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), f"a bootstrap token is good until {ends}")
    certs = cluster.lab[INIT].ssh(f"{KUBECTL} get secret kubeadm-certs -n kube-system")
    check("NotFound" in certs.stderr, f"the control plane's certificates were uploaded: {certs.stdout}{certs.stderr}")


def notes_have_addresses_only(cluster):
    member = cluster.member(INIT)
    same((member["endpoint"], "ca" in member), (f"{cluster.lab[INIT].address}:6443", False))


def a_workers_root_is_one_worker(cluster):
    cluster.lab[WORKER].put("/tmp/stolen", stolen(cluster, WORKER).encode())
    fine = attempt(cluster, f"get node {WORKER} -o name")
    same(fine.stdout.strip(), f"node/{WORKER}", f"the credential itself: {fine.stderr}")
    for what, words in (("get secrets -A", "forbidden"), (f"annotate node {INIT} nodekiln.test/x=y --overwrite", "forbidden"),
                        ("get configmaps -n kube-system", "forbidden"), ("create clusterrolebinding x --clusterrole cluster-admin --user x",
                                                                       "forbidden"), (f"delete node {LATE}", "forbidden")):
        done = attempt(cluster, what)
        check(done.returncode != 0 and words in done.stderr, f"{what}: {done.stdout}{done.stderr}")
    for node in (INIT, LATE):
        done = attempt(cluster, "create -f -", REQUEST.format(name=f"forged-{node}", request=request_for(node)))
        check(done.returncode != 0 and "can only create a node CSR with CN=system:node:w1" in done.stderr, f"{node}: {done.stdout}{done.stderr}")


def a_token_is_every_node(cluster):
    """The weaker way, as kubeadm makes it: the same request is granted."""
    token = cluster.lab[INIT].ask("kubeadm token create --ttl 10m")
    cluster.lab[WORKER].put("/tmp/stolen", kubeconfig(cluster, {"token": token}).encode())
    done = attempt(cluster, "create -f -", REQUEST.format(name="by-token", request=request_for(INIT)))
    same(done.returncode, 0, f"the request by token: {done.stderr}")
    cluster.wait(lambda: cluster.kubectl("get csr by-token -o jsonpath={.status.certificate}"), "a certificate of another node", seconds=60)
    cluster.lab[INIT].ask(f"kubeadm token delete {token}")


def an_expired_seed_is_refused(cluster):
    machine = cluster.lab[LATE]
    cluster.start_nodes(LATE)
    machine.wait()
    limit = time.monotonic() + 240
    while cluster.state(LATE) != "failed":
        if time.monotonic() > limit or cluster.state(LATE) == "ready":
            raise Failed(f"{LATE} is {cluster.state(LATE)}, with an expired certificate")
        time.sleep(1)
    error = json.loads(machine.ask("nodekiln-agent status --json"))["error"]
    check("expired" in error, error)
    say([f"# {LATE}: {error[:160]}"])


def a_node_joins_after_the_first_credentials_have_expired(cluster):
    machine = cluster.lab[LATE]
    cluster.make_seed(LATE)
    machine.put("/etc/nodekiln/node.yaml", cluster.configurations[LATE].encode())
    machine.ask("systemctl restart --no-block nodekiln-agent")
    cluster.seen[LATE] = None
    wait_without_fail(cluster, LATE)


def wait_without_fail(cluster, name):
    limit = time.monotonic() + 240
    while cluster.state(name) != "ready":
        if time.monotonic() > limit:
            raise Failed(f"{name} is {cluster.state(name)}: {cluster.notes(name)}")
        time.sleep(1)


def a_control_plane_joins_later(cluster):
    cluster.renew_seed(SECOND)
    cluster.start_nodes(SECOND)
    cluster.wait_for(SECOND)
    planes = cluster.get("nodes -l node-role.kubernetes.io/control-plane")
    same(sorted(n["metadata"]["name"] for n in planes), sorted([INIT, SECOND]))
    members = cluster.lab[SECOND].ask("grep -c initial-cluster=.*,.* /etc/kubernetes/manifests/etcd.yaml")
    same(members, "1", "etcd's members")


def the_kubeconfig_works_from_outside(cluster):
    wish = cluster.wish(LATE) | {"control_plane_endpoint": f"{cluster.lab[INIT].address}:6443"}
    file, made = cluster.lab.work / "outside.yaml", cluster.lab.work / "lab.kubeconfig"
    file.write_text(json.dumps(wish))
    subprocess.run([NODEKILN, "seed", file, "--secrets", cluster.secrets_file(), "--out", cluster.lab.work / "outside.iso", "--kubeconfig",
                    made], check=True, capture_output=True)
    same(made.stat().st_mode & 0o777, 0o600)
    kubectl = cluster.lab[INIT].root / "usr/bin/kubectl"
    done = subprocess.run(cluster.lab.inside([kubectl, "--kubeconfig", made, "get", "nodes", "-o", "name"]), capture_output=True, text=True)
    same(sorted(done.stdout.split()), sorted(f"node/{name}" for name in ROLES), done.stderr)
    may = subprocess.run(cluster.lab.inside([kubectl, "--kubeconfig", made, "auth", "can-i", "*", "*"]), capture_output=True, text=True)
    same(may.stdout.strip(), "yes", may.stderr)


CASES = (nothing_lets_others_join, notes_have_addresses_only, a_workers_root_is_one_worker, a_token_is_every_node, an_expired_seed_is_refused,
         a_node_joins_after_the_first_credentials_have_expired, a_control_plane_joins_later, the_kubeconfig_works_from_outside)


def native_pki(cluster):
    cluster.start_nodes(INIT, WORKER)
    cluster.wait_for(INIT, WORKER)
    fine = True
    for case in CASES:
        try:
            case(cluster)
            say([f"ok native pki: {case.__name__}"])
        except (Failed, ValueError, KeyError, StopIteration) as why:
            fine = False
            say([f"not ok native pki: {case.__name__}: {why!r}"])
    return fine


def main(argv):
    why, archive = unavailable(), template(argv)
    if why or not archive:
        say([f"skip native pki: {why or 'out/ has no container template with Kubernetes 1.35 or later'}"])
        return 0
    try:
        with PkiCluster(archive, roles=ROLES) as cluster:
            fine = watched("native pki", native_pki, cluster)
    except Failed as why:
        say([f"not ok native pki: {why}"])
        return 1
    say(["ok native pki: this host is as it was"])
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
