# SPDX-License-Identifier: Apache-2.0
"""A cluster as a user makes it by hand, by docs/join.md: two guests of a fake Proxmox VE with seeds from `nodekiln seed`, a token for each
guest with the rights that docs/join.md gives. The worker knows the cluster's name, the token and how to ask Proxmox VE. Not a test
itself: those in tests/matrix use it.
"""
import json
import subprocess
import time

from cluster.lab import GATEWAY, NAMESERVER, PREFIX, Lab
from cluster.nodes import INIT, NODEKILN, NOTES, TAGS, TIMEOUTS, WORKER, Nodes, image, pki_options, watched  # noqa: F401, tests take them from here
from pve.server import FakePve

GUESTS = {INIT: 101, WORKER: 102}


class Cluster(Nodes):
    """with Cluster(image) as cluster: the network and Proxmox VE are up, the machines off."""

    def __init__(self, image, runtime="containerd", name="lab"):
        super().__init__(self.make_lab(image), FakePve(), runtime, name)
        self.tokens = {}

    def __enter__(self):
        self.pve.__enter__()
        self.make_guests()
        self.make_seeds()
        self.lab.__enter__()
        return self

    def __exit__(self, *exception):
        self.lab.__exit__(*exception)
        self.pve.__exit__(*exception)

    # Where the nodes are containers (containers.py) these three are others.

    def make_lab(self, image):
        return Lab(image, GUESTS)

    def add_guest(self, name, vmid, **options):
        machine = self.lab[name]
        self.pve.add_vm(vmid, name=name, smbios1=f"uuid={machine.uuid}", net0=f"virtio={machine.mac.upper()},bridge=vmbr0",
                        **options)

    def seed_options(self, name):
        return ["--out", self.lab.work / f"{name}.iso", "--ssh-key", f"{self.lab.key}.pub",
                "--address", f"{self.lab[name].address}/{PREFIX}", "--gateway", GATEWAY, "--nameserver", NAMESERVER]

    def make_guests(self):
        self.pve.add_pool("k8s")
        self.pve.add_role("NodekilnReader", "VM.Audit")
        self.pve.add_role("NodekilnMember", "VM.Audit VM.Config.Options")
        self.pve.grant("/pool/k8s", "NodekilnMember", "agent@pve")
        for name, vmid in GUESTS.items():
            who = f"agent@pve!vm{vmid}"
            self.tokens[name] = self.pve.add_token("agent@pve", f"vm{vmid}").split("=", 1)
            self.pve.grant("/pool/k8s", "NodekilnReader", who)
            self.pve.grant(f"/vms/{vmid}", "NodekilnMember", who)
            self.add_guest(name, vmid, pool="k8s", status="running", tags=TAGS, description=NOTES)

    def vmid(self, name):
        return GUESTS[name]

    def given(self, name):
        return {"tags": TAGS, "description": NOTES}

    def pve_secrets(self):
        return {name: secret for name, (_, secret) in self.tokens.items()}

    def secrets_file(self):
        return self.lab.work / "secrets"

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
            subprocess.run([NODEKILN, "seed", file, "--secrets", self.secrets_file(), *pki_options(self.lab.image), *self.seed_options(name)],
                           check=True, capture_output=True)

    def start(self):
        self.started = time.monotonic()
        for name in GUESTS:
            self.lab[name].start(self.lab.work / f"{name}.iso")
