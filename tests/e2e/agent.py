#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent from its configuration to a Ready node, in a directory of its own (tests/harness/agent_env.py): kubeadm is a stub, all else is
real. Killed at every change of its state it must still end Ready. agent.py [PATTERN] runs the cases whose name has PATTERN in it."""
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path

from harness.agent_cases import INIT, JOIN, KEY, NOTES, TOKEN, Bench, guest_files, has_secret, must_finish, proxmox, section
from harness.agent_env import agent_program, runtime_socket
from harness.cases import Failed, check


def case_worker_joins(b):
    guest = b.guest(JOIN, not_ready=1)
    with runtime_socket(guest):
        done = guest.run()
    must_finish(guest, done)
    joins = guest.calls("kubeadm", "join")
    check(len(joins) == 1, f"{len(joins)} runs of kubeadm join")
    check(joins[0]["config_mode"] == "0o600" and TOKEN in joins[0]["config"], "the configuration's mode or content")
    check("waiting for Node n1 to be Ready" in done.stderr, "it did not say what it waited for")


def case_init_makes_a_cluster(b):
    guest = b.init_room()
    with runtime_socket(guest):
        must_finish(guest, guest.run())
    check(len(guest.calls("kubeadm", "init")) == 1, "kubeadm init did not run once")
    check(len(guest.calls("kubectl")) == 1, "the manifest was not applied once")
    check("10.244.1.0/24" in (guest.root / "etc/cni/net.d/10-nodekiln.conflist").read_text(), "no bridge for the pods")
    state = guest.status()
    check(state["endpoint"] == "10.0.0.1:6443" and state["ca"][0].startswith("sha256:"), f"published: {state}")


def case_second_run_does_nothing(b):
    guest = b.guest(JOIN)
    with runtime_socket(guest):
        must_finish(guest, guest.run())
        guest.run()
    check(len(guest.calls("kubeadm", "join")) == 1, "it joined again")


def case_no_configuration(b):
    guest = b.guest(JOIN)
    (guest.root / "etc/nodekiln/node.yaml").unlink()
    done = guest.run()
    check(done.returncode == 0 and "nothing to do" in done.stderr, done.stderr)
    check(guest.status()["phase"] == "not configured", f"status {guest.status()}")


def case_lost_configuration_is_named(b):
    """As a power cut leaves it that came before it was on the disk."""
    guest = b.guest(JOIN)
    guest.write("var/lib/nodekiln/state", '{"phase": "booting", "step": "rendezvous"}')
    (guest.root / "etc/nodekiln/node.yaml").unlink()
    done = guest.run()
    check(done.returncode == 3 and "existed when this node began" in done.stderr, done.stderr)
    check(guest.status()["phase"] == "failed" and not guest.calls("kubeadm"), f"{guest.status()}")


def case_passing_failure_is_retried(b):
    guest = b.guest(JOIN)
    guest.write("standin/answers", "couldn't validate the identity of the API Server: failed to request the cluster-info ConfigMap: dial tcp: "
               "connect: connection refused\nok\n")
    with runtime_socket(guest):
        done = guest.run()
    must_finish(guest, done)
    check(len(guest.calls("kubeadm", "join")) == 2, "not two tries")
    check("connection refused" in done.stderr, "the journal does not say why")


def case_fatal_failure_is_named(b):
    guest = b.guest(JOIN)
    guest.write("standin/answers", "cluster CA found in cluster-info ConfigMap is invalid: none of the public keys are pinned\n")
    with runtime_socket(guest):
        done = guest.run()
    state = guest.status()
    check(done.returncode != 0 and state["phase"] == "failed", f"status {done.returncode}, {state}")
    check("ca_cert_hashes" in state["error"] and "reset" in state["error"], f"error: {state['error']}")
    check("pinned" not in state["error"], f"kubeadm's own words: {state['error']}")
    check(len(guest.calls("kubeadm", "reset")) == 1, "kubeadm reset did not run")
    check(not (guest.root / "var/lib/nodekiln/done").exists(), "a failed node is done")
    check(not (guest.root / "run/nodekiln/kubeadm.yaml").exists(), "kubeadm's configuration is still there")


# kubectl's answer to a Secret that cannot be patched, in which it quotes all of it.
LEAK = """#!/bin/sh
case "$1" in apply) echo 'error when applying patch: {"data":{"password":"aHVudGVyMg=="},"stringData":{"password":"hunter2"}}' >&2; exit 1;; esac
"""


def case_what_kubectl_quotes_is_for_root_alone(b):
    with proxmox(100) as pve:
        guest = b.guest(INIT + section(pve, 100), files={**guest_files(100), "etc/nodekiln/manifests/a.yaml": "kind: Secret\n"})
        guest.write("bin/kubectl", LEAK, 0o755)
        with runtime_socket(guest), subprocess.Popen(
                [agent_program(), "run", "--root", str(guest.root)], stderr=subprocess.PIPE, text=True,
                env={**os.environ, "PATH": f"{guest.root}/bin:{os.environ['PATH']}"}) as agent:
            lines = []
            for line in agent.stderr:
                lines.append(line)
                if "trying again" in line and len([one for one in lines if "trying again" in one]) > 1:
                    break
            agent.terminate()
            said = "".join(lines) + agent.stderr.read()
        notes = pve.config(100)["description"]
    where = {"the journal": said, "the notes": notes, "status": str(guest.status())}
    where |= {str(path.relative_to(guest.root)): path.read_text(errors="replace") for path in guest.root.rglob("*")
              if path.is_file() and path.stat().st_mode & 0o077 and "bin" not in path.parts}
    shown = [name for name, text in where.items() if "hunter2" in text or "aHVudGVyMg" in text]
    check(not shown, f"kubectl's words are in {shown}")
    check("kubectl: exit status 1" in str(guest.status()), f"status: {guest.status()}")
    check("hunter2" in (guest.root / "run/nodekiln/private.log").read_text(), "root finds nothing, either")


def case_expired_token_is_named(b):
    guest = b.guest(JOIN)
    guest.write("standin/answers", 'token id "abcdef" is invalid for this cluster or it has expired. Use "kubeadm token create" to create '
               "a new valid token\n")
    with runtime_socket(guest):
        done = guest.run()
    check(done.returncode != 0 and guest.status()["phase"] == "failed", done.stderr[-300:])
    check(not has_secret(done.stderr + guest.status()["error"]), "the token is in what it said")


def case_failed_node_tries_again_at_the_next_boot(b):
    guest = b.guest(JOIN)
    guest.write("standin/answers", "cluster CA found in cluster-info ConfigMap is invalid\n")
    with runtime_socket(guest):
        check(guest.run().returncode != 0, "it did not fail")
        must_finish(guest, guest.run())


def case_broken_state_file(b):
    guest = b.guest(JOIN)
    guest.write("var/lib/nodekiln/state", '{"phase": ')
    with runtime_socket(guest):
        must_finish(guest, guest.run())


def case_bad_configuration_is_named(b):
    guest = b.guest(JOIN + "tokn: x\n")
    done = guest.run()
    check(done.returncode == 3 and "/etc/nodekiln/node.yaml" in done.stderr and "tokn" in done.stderr, done.stderr)
    check(guest.status()["phase"] == "failed", f"{guest.status()}")
    check(not guest.calls("kubeadm", "join"), "it joined")


def case_dry_run(b):
    guest = b.init_room()
    before = sorted(str(p) for p in guest.root.rglob("*"))
    done = guest.run("--dry-run")
    check(done.returncode == 0, done.stderr)
    check("kind" in done.stdout and "InitConfiguration" in done.stdout and not has_secret(done.stdout), done.stdout[-500:])
    after = sorted(str(p) for p in guest.root.rglob("*"))
    check([p for p in after if "standin" not in p] == [p for p in before if "standin" not in p], "it wrote something")


# With Proxmox VE. All tokens read the pool; each token writes its own guest only.



def line_of(pve, vmid):
    """Our line in a guest's notes; what people wrote must be there as it was."""
    notes = pve.config(vmid)["description"]
    ours = [line for line in notes.splitlines() if line.startswith("nodekiln: {")]
    check(len(ours) == 1, f"{len(ours)} lines of ours in the notes of {vmid}: {notes}")
    check("\n".join(line for line in notes.splitlines() if line != ours[0]).strip() == NOTES.strip(), f"a person's notes changed: {notes!r}")
    return json.loads(ours[0].removeprefix("nodekiln: "))


def check_member(pve, vmid, role, state, **more):
    said = line_of(pve, vmid)
    check((said["cluster"], said["role"], said["state"]) == ("lab", role, state), f"notes of {vmid}: {said}")
    for key, value in more.items():
        check(said.get(key) == value, f"notes of {vmid}: {key} is {said.get(key)}, not {value}")
    tags = set(re.split("[;, ]", pve.config(vmid)["tags"]))
    want = {"blue", "rack-7", "k8s.cluster.lab", f"k8s.role.{role}", f"k8s.state.{state}"}
    check(tags == want, f"tags of {vmid}: {tags}, not {want}")


def secrets_of(pve):
    return [TOKEN, KEY, *(t.partition("=")[2] for t in pve.tokens.values())]


def public_at_pve(pve):
    """No secret of ours may come in a parameter: PVE writes them to syslog."""
    for vmid in pve.tokens:
        config = json.dumps(pve.config(vmid))
        check(not has_secret(config, secrets_of(pve)), f"a secret is in the configuration of {vmid}")


def worker_with_pve(b, version):
    with proxmox(100, 101, version=version) as pve:
        first = b.guest(INIT.replace("manifests: [/etc/nodekiln/manifests/a.yaml]\n", "") + section(pve, 100), files=guest_files(100))
        second = b.guest(f"cluster: lab\nrole: worker\ntoken: {TOKEN}\nnode: {{ip: 10.0.0.2, provider_id: vmid}}\n" + section(pve, 101),
                        files=guest_files(101))
        with runtime_socket(first), runtime_socket(second):
            late = []
            joiner = threading.Thread(target=lambda: late.append(second.run(timeout=90)))
            joiner.start()
            must_finish(first, first.run())
            joiner.join()
        must_finish(second, late[0])
        check_member(pve, 100, "init", "ready", node="n100", endpoint="10.0.0.1:6443")
        check_member(pve, 101, "worker", "ready", node="n101", version="v1.20.2")
        public_at_pve(pve)
        config = second.calls("kubeadm", "join")[0]["config"]
        check("10.0.0.1:6443" in config and line_of(pve, 100)["ca"][0] in config, "it joined without the published endpoint and hash")
        check("proxmox://lab/101" in config, "no provider id")
        check(not any(has_secret(p.read_text(errors="replace"), secrets_of(pve)) for p in second.root.rglob("*")
                      if p.is_file() and "standin" not in p.parts), "the token's secret is still there")


def case_worker_finds_its_cluster_at_PVE_9(b):
    worker_with_pve(b, 9)


def case_worker_finds_its_cluster_at_PVE_8(b):
    worker_with_pve(b, 8)


def case_three_init_nodes_make_one_cluster(b):
    vmids = (100, 101, 102)
    with proxmox(*vmids) as pve:
        guests = {v: b.guest(INIT.replace("10.0.0.1", f"10.0.0.{v - 99}").replace("manifests: [/etc/nodekiln/manifests/a.yaml]\n", "")
                           + section(pve, v), files=guest_files(v)) for v in vmids}
        ends = {}
        with contextlib.ExitStack() as stack:
            for guest in guests.values():
                stack.enter_context(runtime_socket(guest))
            threads = [threading.Thread(target=lambda v=v, r=r: ends.update({v: r.run(timeout=170)})) for v, r in guests.items()]
            [t.start() for t in threads]
            [t.join() for t in threads]
        for vmid, guest in guests.items():
            check(vmid in ends, f"node {vmid} did not end")
            must_finish(guest, ends[vmid])
        inits = [v for v, r in guests.items() if r.calls("kubeadm", "init")]
        check(len(inits) == 1, f"these initialised: {inits}")
        for vmid in set(vmids) - set(inits):
            config = guests[vmid].calls("kubeadm", "join")[0]["config"]
            check("controlPlane" in config and f"10.0.0.{inits[0] - 99}:6443" in config, f"{vmid} did not join as a control plane")
            check("claim" not in line_of(pve, vmid) or not line_of(pve, vmid)["claim"], f"{vmid} still claims")


def case_PVE_is_down(b):
    with proxmox(101) as pve:
        guest = b.guest(JOIN + section(pve, 101), files=guest_files(101))
        pve.down()
        threading.Timer(8, pve.up).start()
        with runtime_socket(guest):
            done = guest.run(timeout=120)
        must_finish(guest, done)
        check_member(pve, 101, "worker", "ready")


def case_refused_token_is_not_hammered(b):
    with proxmox(101) as pve:
        guest = b.guest(JOIN + section(pve, 101), files=guest_files(101))
        pve.invalidate(pve.tokens[101])
        with runtime_socket(guest):
            must_finish(guest, guest.run())
        refused = [e for e in pve.journal.find("GET") + pve.journal.find("PUT") if e.status == 401]
        check(len(refused) == 1, f"asked {len(refused)} times with a token that was refused")


def case_no_control_plane_is_a_named_failure(b):
    with proxmox(100, 101) as pve:
        guest = b.guest(f"cluster: lab\nrole: worker\ntoken: {TOKEN}\nnode: {{ip: 10.0.0.2}}\ntimeouts: {{rendezvous: 5s}}\n"
                      + section(pve, 101), files=guest_files(101))
        with runtime_socket(guest):
            done = guest.run()
        check(done.returncode == 5 and guest.status()["phase"] == "failed", f"{done.returncode}: {done.stderr[-300:]}")
        check("control plane of cluster lab" in guest.status()["error"], guest.status()["error"])
        check_member(pve, 101, "worker", "failed")


def boot_again(guest):
    """A seed that is still attached is copied at each boot, but node.yaml is written at the first only."""
    guest.write("var/lib/cloud/instance/user-data.txt", JOIN)
    guest.write("var/lib/cloud/instance/obj.pkl", f"cpickle {TOKEN}")
    return guest.run()


def cut_everywhere(b, make, program, sides=(False, True)):
    guest = make()
    counter = guest.root / "standin/count"
    with runtime_socket(guest):
        must_finish(guest, guest.run(env={"LD_PRELOAD": str(b.shim), "CUT_COUNT": str(counter)}))
    changes = len(counter.read_text())
    check(changes >= 11, f"only {changes} changes of the state")
    for at in range(1, changes + 1):
        for before in sides:
            guest = make()
            env = {"LD_PRELOAD": str(b.shim), "CUT_AT": str(at), **({"CUT_BEFORE": "1"} if before else {})}
            with runtime_socket(guest):
                cut = guest.run(env=env)
                check(cut.returncode == -9, f"change {at} of {changes}: it was not killed but ended with {cut.returncode}")
                if (guest.root / "var/lib/nodekiln/done").exists():
                    continue  # the unit's condition: it would not start again
                try:
                    must_finish(guest, boot_again(guest))
                except Failed as e:
                    raise Failed(f"killed {'before' if before else 'after'} change {at} of {changes}: {e}\n{cut.stderr[-800:]}") from None
            check(guest.calls("kubeadm", program), f"kubeadm {program} never ran")
    return changes


def case_worker_is_killed_at_every_change(b):
    cut_everywhere(b, lambda: b.guest(JOIN), "join")


def case_init_is_killed_at_every_change(b):
    cut_everywhere(b, b.init_room, "init")


def case_init_with_PVE_is_killed_at_every_change(b):
    with proxmox(100) as pve:
        def make():
            pve.edit(100, description=NOTES, tags="blue;rack-7")
            return b.guest(INIT.replace("manifests: [/etc/nodekiln/manifests/a.yaml]\n", "") + section(pve, 100), files=guest_files(100))
        cut_everywhere(b, make, "init", sides=(False,))  # each run waits for the claim to settle
        check_member(pve, 100, "init", "ready", endpoint="10.0.0.1:6443")


def main():
    cases = {n[5:].replace("_", " "): f for n, f in globals().items() if n.startswith("case_")}
    failed = 0
    with tempfile.TemporaryDirectory(prefix="nodekiln-agent-") as work:
        bench = Bench(Path(work))
        for name, case in cases.items():
            if len(sys.argv) > 1 and sys.argv[1] not in name:
                continue
            try:
                case(bench)
                print(f"ok agent: {name}", flush=True)
            except (Failed, subprocess.TimeoutExpired, OSError) as e:
                failed += 1
                print(f"not ok agent: {name}: {e if isinstance(e, Failed) else traceback.format_exc()}".replace("\n", "\n# "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
