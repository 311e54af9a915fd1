# SPDX-License-Identifier: Apache-2.0
"""Configurations of nodes, and what a run of the agent must leave: for e2e/agent.py and bench/agent."""
import contextlib
import subprocess
from pathlib import Path

from harness.agent_env import AgentEnv, ApiServer, make_pki
from harness.cases import check
from pve.server import FakePve

TOP = Path(__file__).resolve().parent.parent.parent
TOKEN, KEY = "abcdef.0123456789abcdef", "0f" * 32
JOIN = f"cluster: lab\nrole: worker\ncontrol_plane_endpoint: 10.0.0.1:6443\ntoken: {TOKEN}\nca_cert_hashes: ['sha256:{'a' * 64}']\n"
INIT = f"""cluster: lab
role: init
token: {TOKEN}
certificate_key: {KEY}
node: {{ip: 10.0.0.1}}
networking: {{pod_subnet: 10.244.0.0/16, pod_network: bridge}}
manifests: [/etc/nodekiln/manifests/a.yaml]
"""
JOIN += "node: {ip: 10.0.0.2}\n"
NOTES = "# Rack 7\n\nAsk *Ada* before you touch this.\n\nnodekiln: this line is a person's\n\ttabs  and blanks"


def has_secret(text, secrets=(TOKEN, KEY)):
    return any(secret in text for secret in secrets)


def leaks(guest, *texts):
    """Where a secret is that should not be: the output, argv, environments, and every file that is left."""
    for text in texts:
        if has_secret(text):
            yield "the journal"
    for call in guest.calls():
        if has_secret(" ".join(call["argv"])):
            yield f"argv of {call['argv'][0]}"
    for path in guest.root.rglob("*"):
        if path.is_file() and not path.is_symlink() and "standin" not in path.parts and has_secret(path.read_text(errors="replace")):
            yield str(path.relative_to(guest.root))


def must_finish(guest, done):
    check(done.returncode == 0, f"exit status {done.returncode}: {done.stderr[-600:]}")
    wrong = list(guest.finished()) + [f"a secret is in {where}" for where in leaks(guest, done.stdout, done.stderr)]
    check(not wrong, "; ".join(wrong) + "\n" + done.stderr[-600:])


class Bench:
    """What the cases share."""

    def __init__(self, work):
        self.work, self.count = work, 0
        self.pki = work / "pki"
        make_pki(self.pki)
        self.shim = work / "cut.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", self.shim, TOP / "tests/agent/cut.c"], check=True)
        self.api = ApiServer(self.pki)

    def guest(self, config, not_ready=0, files=()):
        self.count += 1
        self.api.asked, self.api.not_ready = [], not_ready
        return AgentEnv(self.work, f"guest{self.count}", config, self.pki, self.api, files)

    def init_room(self, **more):
        return self.guest(INIT, files={"etc/nodekiln/manifests/a.yaml": "kind: ConfigMap\n"}, **more)


def guest_identity(vmid):
    return {"uuid": f"6f2a2f0e-3c41-4b0f-9d7e-{vmid:012d}", "mac": f"bc:24:11:00:00:{vmid - 100:02x}", "name": f"n{vmid}"}


@contextlib.contextmanager
def proxmox(*vmids, version=9):
    with FakePve(version=version, auth_delay=0.2) as pve:
        pve.add_pool("k8s")
        pve.add_role("Reader", "VM.Audit")
        pve.add_role("Member", "VM.Audit VM.Config.Options")
        pve.add_user("agent@pve")
        pve.grant("/pool/k8s", "Member", "agent@pve")
        pve.tokens = {}
        for vmid in vmids:
            who = guest_identity(vmid)
            pve.add_vm(vmid, pool="k8s", name=who["name"], description=NOTES, tags="blue;rack-7", smbios1=f"uuid={who['uuid']}",
                       net0=f"virtio={who['mac'].upper()},bridge=vmbr0")
            pve.tokens[vmid] = pve.add_token("agent@pve", f"vm{vmid}")
            token = pve.tokens[vmid].partition("=")[0]
            pve.grant("/pool/k8s", "Reader", token)
            pve.grant(f"/vms/{vmid}", "Member", token, propagate=0)
        yield pve


def section(pve, vmid, more=""):
    token, _, secret = pve.tokens[vmid].partition("=")
    ca = Path(pve.ca).read_text() if not str(pve.ca).startswith("-----") else pve.ca
    return (f"proxmox:\n  url: {pve.url}\n  token_id: {token}\n  token_secret: {secret}\n  ca: |\n"
            + "".join(f"    {line}\n" for line in ca.splitlines()) + more)


def guest_files(vmid):
    who = guest_identity(vmid)
    return {"sys/class/dmi/id/product_uuid": who["uuid"] + "\n", "sys/class/net/eth0/address": who["mac"] + "\n",
            "etc/hostname": who["name"] + "\n", "proc/sys/kernel/hostname": who["name"] + "\n"}
