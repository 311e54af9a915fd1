# SPDX-License-Identifier: Apache-2.0
"""A cluster whose nodes are unprivileged containers on this host (harness/native.py). They find each other by a fake Proxmox VE at their
bridge. Not a test itself: native.py and those in tests/matrix use it.
"""
import json
import os
import subprocess
import time
from pathlib import Path

from harness.native import GATEWAY, NativeLab, kubeadm_keys
from cluster.lab import read_iso
from cluster.nodes import INIT, NODEKILN, NOTES, TAGS, TIMEOUTS, TOP, WORKER, Nodes, pki_options
from pve.server import FakePve

SECOND = "cp2"
ROLES = {INIT: "init", SECOND: "control-plane", WORKER: "worker"}


class NativeCluster(Nodes):
    """with NativeCluster(template) as cluster: the space and Proxmox VE are up, the containers are made but off."""

    def __init__(self, template, runtime="containerd", name="lab", roles=None):
        self.roles = roles or ROLES
        self.names = tuple(self.roles)
        self.vmids = {node: vmid for vmid, node in enumerate(self.names, 101)}
        super().__init__(NativeLab(template, self.names), FakePve(address=(GATEWAY, 0), names=(GATEWAY,)), runtime, name)
        self.tokens, self.configurations = {}, {}

    def __enter__(self):
        self.lab.__enter__()
        try:
            self.lab.in_network(self.pve.__enter__)
            self.make_guests()
            self.make_seeds()
            self.lab.unpack({node: {"etc/nodekiln/node.yaml": (0o600, text)} for node, text in self.configurations.items()})
        except BaseException as why:
            self.__exit__(type(why))
            raise
        return self

    def __exit__(self, *exception):
        self.pve.__exit__(*exception)
        self.lab.__exit__(*exception)

    def make_guests(self):
        self.pve.add_pool("k8s")
        self.pve.add_role("NodekilnReader", "VM.Audit")
        self.pve.add_role("NodekilnMember", "VM.Audit VM.Config.Options")
        for name, vmid in self.vmids.items():
            who = f"agent@pve!vm{vmid}"
            self.tokens[name] = self.pve.add_token("agent@pve", f"vm{vmid}").split("=", 1)
            self.pve.grant("/pool/k8s", "NodekilnReader", who)
            self.pve.grant(f"/vms/{vmid}", "NodekilnMember", who)
            self.pve.add_ct(vmid, hostname=name, net0=f"name=eth0,bridge=vmbr0,hwaddr={self.lab[name].mac.upper()},type=veth", pool="k8s",
                            status="running", tags=TAGS, description=NOTES)
        self.pve.grant("/pool/k8s", "NodekilnMember", "agent@pve")

    def make_seeds(self):
        for name in self.names:
            file, seed = self.lab.work / f"{name}.yaml", self.lab.work / f"{name}.iso"
            file.write_text(json.dumps(self.wish(name)))
            subprocess.run([NODEKILN, "seed", file, "--secrets", self.secrets_file(), "--out", seed, *pki_options(self.lab.image)], check=True,
                           capture_output=True)
            self.configurations[name] = read_iso(seed, "nodekiln.yaml")

    def wish(self, name):
        """What a user writes."""
        who, secret = self.tokens[name]
        return {"cluster": self.name, "role": self.roles[name], "node": {"name": name, "provider_id": "vmid"},
                "networking": {"pod_subnet": "10.244.0.0/16", "pod_network": "bridge"},
                "proxmox": {"url": f"https://{GATEWAY}:{self.pve.port}", "token_id": who, "token_secret": secret,
                            "fingerprints": [self.pve.fingerprint]}, "timeouts": TIMEOUTS, "kubeadm": kubeadm_keys()}

    def start(self):
        self.started = time.monotonic()
        self.lab.together(lambda node: node.start())

    def reboot(self):
        """All of them at once: etcd loses its majority and gets it back. Returns those that did not end by themselves."""
        ended = self.lab.together(lambda node: node.stop())
        self.lab.together(lambda node: node.start())
        self.lab.together(lambda node: node.wait())
        return [name for name, by_itself in ended.items() if not by_itself]

    # As Nodes asks.

    def vmid(self, name):
        return self.vmids[name]

    def given(self, name):
        return {"tags": TAGS, "description": NOTES}

    def node_yaml(self, name):
        return self.configurations[name]

    def pve_secrets(self):
        return {name: secret for name, (_, secret) in self.tokens.items()}

    def secrets_file(self):
        return self.lab.work / "secrets"


def template(argv):
    """The argument, NODEKILN_TEMPLATE, or the newest container template in out/ that can run without privileges."""
    given = argv[1] if len(argv) > 1 else os.environ.get("NODEKILN_TEMPLATE")
    if given:
        return Path(given)
    found = [p for p in (TOP / "out").glob("*.tar.zst") if minor(p) >= 35]
    return max(found, key=lambda p: p.stat().st_mtime, default=None)


def minor(archive):
    """Of its Kubernetes, by its manifest; -1: it has none."""
    try:
        manifest = json.loads(Path(str(archive).removesuffix(".tar.zst") + ".manifest.json").read_text())
        return int(manifest["versions"]["kubernetes"].split(".")[1])
    except (OSError, KeyError, ValueError, TypeError, IndexError):
        return -1
