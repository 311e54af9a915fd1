# SPDX-License-Identifier: Apache-2.0
"""A cluster as a user makes it by README.md: two guests of a fake Proxmox VE, one init and one worker, with seeds from `nodekiln
seed`, a token for each guest with the rights that README.md gives. The worker knows the cluster's name, the token and how to ask
Proxmox VE. Not a test itself: join.py and power_cuts.py use it.
"""
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from lab import GATEWAY, NAMESERVER, PREFIX, Lab

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))
from guest import Failed, say  # noqa: E402
from pve.server import FakePve  # noqa: E402

NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
INIT, WORKER = "cp1", "w1"
GUESTS = {INIT: 101, WORKER: 102}
TAGS, NOTES = "prod", "Ask Ada before a reboot.\n\n- rack 7\n"  # what people wrote at the guests
# Emulated nodes on a busy host take their time; when all goes well nothing waits for these.
TIMEOUTS = {"rendezvous": "60m", "kubeadm": "40m", "ready": "20m"}
READY_SECONDS = 1500
STATE_TAG = re.compile(r"k8s\.state\.(\w+)")
KUBECTL = "sudo -n kubectl --kubeconfig /etc/kubernetes/admin.conf"


class Cluster:
    """with Cluster(image) as cluster: the network and Proxmox VE are up, the machines off. runtime: the image's."""

    def __init__(self, image, runtime="containerd", name="lab"):
        self.name, self.runtime, self.lab, self.pve, self.tokens = name, runtime, Lab(image, GUESTS), FakePve(), {}
        self.started, self.seen = time.monotonic(), {}

    def __enter__(self):
        self.pve.__enter__()
        self.make_guests()
        self.make_seeds()
        self.lab.__enter__()
        return self

    def __exit__(self, *exception):
        self.lab.__exit__(*exception)
        self.pve.__exit__(*exception)

    def make_guests(self):
        self.pve.add_pool("k8s")
        self.pve.add_role("NodekilnReader", "VM.Audit")
        self.pve.add_role("NodekilnMember", "VM.Audit VM.Config.Options")
        self.pve.grant("/pool/k8s", "NodekilnMember", "agent@pve")
        for name, vmid in GUESTS.items():
            machine, who = self.lab[name], f"agent@pve!vm{vmid}"
            self.tokens[name] = self.pve.add_token("agent@pve", f"vm{vmid}").split("=", 1)
            self.pve.grant("/pool/k8s", "NodekilnReader", who)
            self.pve.grant(f"/vms/{vmid}", "NodekilnMember", who)
            self.pve.add_vm(vmid, pool="k8s", name=name, status="running", tags=TAGS, description=NOTES,
                            smbios1=f"uuid={machine.uuid}", net0=f"virtio={machine.mac.upper()},bridge=vmbr0")

    def node_yaml(self, name):
        """JSON is YAML."""
        who, secret = self.tokens[name]
        node = {"cluster": self.name, "role": "init" if name == INIT else "worker",
                "node": {"name": name, "provider_id": "vmid"},
                "networking": {"pod_subnet": "10.244.0.0/16", "pod_network": "bridge"},
                "proxmox": {"url": f"https://{GATEWAY}:{self.pve.port}", "token_id": who, "token_secret": secret,
                            "fingerprints": [self.pve.fingerprint]}, "timeouts": TIMEOUTS}
        return json.dumps(node)

    def make_seeds(self):
        for name in GUESTS:
            file = self.lab.work / f"{name}.yaml"
            file.write_text(self.node_yaml(name))
            subprocess.run([NODEKILN, "seed", file, "--out", self.lab.work / f"{name}.iso",
                            "--secrets", self.lab.work / "secrets", "--ssh-key", f"{self.lab.key}.pub",
                            "--address", f"{self.lab[name].address}/{PREFIX}", "--gateway", GATEWAY, "--nameserver", NAMESERVER], check=True, capture_output=True)

    def start(self):
        self.started = time.monotonic()
        for name in GUESTS:
            self.lab[name].start(self.lab.work / f"{name}.iso")

    def secrets(self):
        """By name; of the token the half that is none is public."""
        made = (self.lab.work / "secrets").read_text()
        return {"token": re.search(r'token: "\w+\.(\w+)"', made)[1],
                "certificate key": re.search(r'certificate_key: "(\w+)"', made)[1],
                **{f"PVE secret of {name}": secret for name, (_, secret) in self.tokens.items()}}

    def seconds(self):
        return time.monotonic() - self.started

    def state(self, name):
        """As Proxmox VE shows it; None: not registered yet."""
        tag = STATE_TAG.search(self.pve.config(GUESTS[name]).get("tags", ""))
        return tag and tag[1]

    def wait(self, condition, what, pause=0.5, seconds=READY_SECONDS):
        """Until condition() is true. Says when a node's state has changed, and fails with a node that has."""
        limit = time.monotonic() + seconds
        while not condition():
            for name in GUESTS:
                self.look_at(name)
            if time.monotonic() > limit:
                raise Failed(f"{what}: not within {seconds} s; {self.seen}")
            time.sleep(pause)

    def look_at(self, name):
        state = self.state(name)
        if state != self.seen.get(name):
            self.seen[name] = state
            say([f"# {self.seconds():.0f} s: {name} is {state}"])
        if state == "failed":
            raise Failed(f"{name} has failed: {self.notes(name)}")
        if self.lab[name].process.poll() is not None:
            raise Failed(f"the machine of {name} ended with {self.lab[name].process.returncode}")

    def wait_ready(self):
        self.wait(lambda: all(self.state(name) == "ready" for name in GUESTS), "both nodes ready")
        say([f"# {self.seconds():.0f} s: both are ready"])

    def notes(self, name):
        return self.pve.config(GUESTS[name]).get("description", "")

    def member(self, name):
        """What the agent's line in the notes says."""
        lines = [line for line in self.notes(name).splitlines() if line.startswith("nodekiln: ")]
        if len(lines) != 1:
            raise Failed(f"the notes of {name} have {len(lines)} lines of the agent: {self.notes(name)!r}")
        return json.loads(lines[0].removeprefix("nodekiln: "))

    def kubectl(self, arguments, stdin=None):
        more = "" if stdin is None else f" <<'END'\n{stdin}\nEND"
        return self.lab[INIT].ask(f"{KUBECTL} {arguments}{more}")

    def get(self, what):
        return json.loads(self.kubectl(f"get -o json {what}"))["items"]

    def tell(self):
        """For a test that has failed: what the nodes have to say."""
        for name in GUESTS:
            machine = self.lab[name]
            try:
                said = machine.ssh("nodekiln-agent status; sudo -n journalctl --no-pager -n 60 -u nodekiln-agent", 60)
                lines = (said.stdout + said.stderr).splitlines() or machine.tail()
            except subprocess.TimeoutExpired:
                lines = machine.tail()
            say([f"# {name}: {line[:200]}" for line in lines])


def image(argv):
    return Path(argv[1]) if len(argv) > 1 else TOP / "out/debian-12-k8s-1.20-eol.qcow2"


def watched(title, test, cluster):
    """Returns whether the test is fine; if not, the nodes have said why."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        fine = test(cluster)
    except Failed as why:
        say([f"not ok {title}: {why}"])
        fine = False
    if not fine:
        cluster.tell()
    return fine
