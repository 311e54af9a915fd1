#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Members as another tenant may write them into the notes of a guest in the same pool: none of them stops a node from making its cluster,
or from joining it. hostile_members.py [PATTERN] runs the cases whose name has PATTERN in it."""
import json
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from harness.agent_cases import INIT, TOKEN, Bench, guest_files, must_finish, proxmox, section
from harness.agent_env import runtime_socket
from harness.cases import Failed, check

HASH, REAL = "sha256:" + "e" * 64, "sha256:" + "a" * 64
REFUSED = ("couldn't validate the identity of the API Server: cluster CA found in cluster-info ConfigMap is invalid: none of the public "
           "keys \"sha256:ee\" are pinned\n")
FOREIGN = "x509: certificate signed by unknown authority\n"
# A server chooses the names in its certificate, which kubeadm shows before it asks who signed it.
FORGED = ("error execution phase preflight: couldn't validate the identity of the API Server: Get \"https://6.6.6.6:6443/api/v1/namespaces/"
          "kube-public/configmaps/cluster-info?timeout=10s\": x509: certificate is valid for no space left on device, not 6.6.6.6\n")
ALONE = INIT.replace("manifests: [/etc/nodekiln/manifests/a.yaml]\n", "")
WORKER = f"cluster: lab\nrole: worker\ntoken: {TOKEN}\nnode: {{ip: 10.0.0.2}}\ntimeouts: {{rendezvous: 30s, kubeadm: 5m}}\n"


def tenant(pve, vmid, **line):
    pve.add_vm(vmid, pool="k8s", name="tenant", description="nodekiln: " + json.dumps({"cluster": "lab", **line}), tags="k8s.cluster.lab",
               status="running")


def init_node_makes_its_cluster(b, **line):
    with proxmox(100) as pve:
        tenant(pve, 103, **line)
        guest = b.guest(ALONE + section(pve, 100), files=guest_files(100))
        with runtime_socket(guest):
            must_finish(guest, guest.run())
        check(len(guest.calls("kubeadm", "init")) == 1, "it did not initialise the cluster")


def case_an_endpoint_without_a_hash(b):
    init_node_makes_its_cluster(b, endpoint="6.6.6.6:6443")


def case_an_endpoint_of_another_cluster(b):
    init_node_makes_its_cluster(b, cluster="other", endpoint="6.6.6.6:6443", ca=[HASH])


def case_a_claim_of_another_cluster(b):
    init_node_makes_its_cluster(b, cluster="other", claim="init")


def case_our_name(b):
    init_node_makes_its_cluster(b, node="n100")


def worker_reaches_the_next(b, answers):
    with proxmox(101) as pve:
        tenant(pve, 102, state="ready", endpoint="6.6.6.6:6443", ca=[HASH])
        tenant(pve, 103, state="ready", endpoint="6.6.6.5:6443", ca=[HASH])
        tenant(pve, 105, role="init", state="ready", endpoint="10.0.0.1:6443", ca=[REAL])
        guest = b.guest(WORKER + section(pve, 101), files=guest_files(101))
        guest.write("standin/answers", answers + "ok\n")
        with runtime_socket(guest):
            must_finish(guest, guest.run(timeout=120))
        last = guest.calls("kubeadm", "join")[-1]["config"]
        check("10.0.0.1:6443" in last and REAL in last, f"it joined {last}")


def case_endpoints_that_are_refused(b):
    worker_reaches_the_next(b, REFUSED * 2)


def case_endpoints_of_another_authority(b):
    worker_reaches_the_next(b, FOREIGN * 2)


def case_endpoints_that_name_faults_of_this_machine(b):
    worker_reaches_the_next(b, FORGED * 2)


def case_endpoints_that_do_not_answer(b):
    worker_reaches_the_next(b, "dial tcp 6.6.6.6:6443: i/o timeout\n" * 2)


def case_a_wait_in_vain_is_tried_again(b):
    """The exit status that the unit restarts on."""
    unit = Path(__file__).resolve().parents[2] / "rootfs-overlays/common/etc/systemd/system/nodekiln-agent.service"
    with proxmox(101) as pve:
        guest = b.guest(WORKER.replace("30s", "3s") + section(pve, 101), files=guest_files(101))
        done = guest.run()
        check(done.returncode != 0 and f"RestartForceExitStatus={done.returncode}\n" in unit.read_text(), f"exit status {done.returncode}")
        tenant(pve, 105, role="init", state="ready", endpoint="10.0.0.1:6443", ca=[REAL])
        with runtime_socket(guest):
            must_finish(guest, guest.run())


def main():
    cases = {n[5:].replace("_", " "): f for n, f in globals().items() if n.startswith("case_")}
    failed = 0
    with tempfile.TemporaryDirectory(prefix="nodekiln-hostile-") as work:
        bench = Bench(Path(work))
        for name, case in cases.items():
            if len(sys.argv) > 1 and sys.argv[1] not in name:
                continue
            try:
                case(bench)
                print(f"ok hostile members: {name}", flush=True)
            except (Failed, subprocess.TimeoutExpired, OSError) as e:
                failed += 1
                print(f"not ok hostile members: {name}: {e if isinstance(e, Failed) else traceback.format_exc()}".replace("\n", "\n# "),
                      flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
