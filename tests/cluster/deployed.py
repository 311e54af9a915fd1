# SPDX-License-Identifier: Apache-2.0
"""A cluster as nodekiln makes it: an administrator types what `nodekiln roles` prints, `nodekiln publish` uploads the image, `nodekiln
deploy` makes guests of it, and the fake Proxmox VE starts them for real. Not a test itself: full_chain.py uses it.
"""
import json
import re
import subprocess
import threading

from harness.cases import Failed, say
from cluster.emulator import Emulator
from cluster.lab import GATEWAY, NAMESERVER, PREFIX, Lab, quiet
from cluster.nodes import INIT, NAMES, NODEKILN, NOTES, TAGS, TIMEOUTS, WORKER, Nodes
from pve.administrator import type_in
from pve.server import FakePve

ROLES = {INIT: "init", WORKER: "worker"}
# An emulated API server needs seconds for an answer: with the limits for real hardware these two lose their leases, end, and start again.
PATIENT = {"leader-elect-lease-duration": "120s", "leader-elect-renew-deadline": "90s", "leader-elect-retry-period": "5s"}
COMMAND_SECONDS = 300
DEPLOY_SECONDS = 2000
SECRET_IN_SEED = re.compile(r'^ *token_secret: "(.+)"$', re.M)


class People(Emulator):
    """Another user writes tags and notes at each guest while it boots."""

    def start(self, pve, guest):
        if guest.name not in self.first:
            pve.edit(guest.vmid, tags=f"{guest.options['tags']};{TAGS}", description=guest.options["description"] + "\n" + NOTES)
        super().start(pve, guest)


class Deployed(Nodes):
    """with Deployed(image) as cluster: the network and Proxmox VE are up; neither has a guest."""

    def __init__(self, image, runtime="containerd", name="lab"):
        lab = Lab(image, NAMES)
        self.people = People(lab)
        super().__init__(lab, FakePve(nodes=("pve2",), hypervisor=self.people), runtime, name)

    def __enter__(self):
        self.pve.__enter__()
        self.pve.add_storage("local", "iso,vztmpl,backup")
        self.pve.add_storage("local-lvm", "images,rootdir", kind="lvmthin")
        self.write("target.yaml", {
            "url": self.pve.url, "token_id": "nodekiln@pve!ci", "token_secret_file": "pve-token", "ca": str(self.pve.ca),
            "nodes": ["pve1"], "storages": {"import": "local", "vztmpl": "local", "disks": "local-lvm"}, "pool": "k8s",
            "bridge": "vmbr0"})
        self.write("lab.yaml", {
            "cluster": self.name, "target": "target.yaml", "template": self.lab.image.stem, "api": f"https://{GATEWAY}:{self.pve.port}",
            "ssh_keys": [f"{self.lab.key}.pub"], "cores": 2, "memory": "3G", "disk": "8G",
            "config": {"node": {"provider_id": "vmid"}, "networking": {"pod_subnet": "10.244.0.0/16", "pod_network": "bridge"},
                       "controller_manager": {"extra_args": PATIENT}, "scheduler": {"extra_args": PATIENT}, "timeouts": TIMEOUTS},
            "nodes": [{"name": name, "role": ROLES[name], "address": f"{self.lab[name].address}/{PREFIX}", "gateway": GATEWAY,
                       "nameservers": [NAMESERVER]} for name in NAMES]})
        self.lab.__enter__()
        return self

    def __exit__(self, *exception):
        self.lab.__exit__(*exception)
        self.pve.__exit__(*exception)

    def write(self, name, keys):
        """JSON is YAML."""
        (self.lab.work / name).write_text(json.dumps(keys))

    # The commands.

    def start_command(self, *arguments):
        return subprocess.Popen([NODEKILN, *map(str, arguments)], cwd=self.lab.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace", preexec_fn=quiet)

    def command(self, *arguments):
        child = self.start_command(*arguments)
        said = child.communicate(timeout=COMMAND_SECONDS)[0]
        if child.returncode != 0:
            raise Failed(f"nodekiln {arguments[0]} ended with {child.returncode}: {said[-900:]}")
        return said

    def set_up(self):
        """The commented lines are for those whose token is to delete what it has uploaded: seeds, too."""
        token, = type_in(self.pve, self.command("roles", "--pve", self.pve.version, "target.yaml"), comments=True)
        (self.lab.work / "pve-token").write_text(token)
        (self.lab.work / "pve-token").chmod(0o600)

    def publish(self):
        return self.command("publish", "--plain", "--target", "target.yaml", self.lab.image.with_suffix(".manifest.json"))

    def deploy(self):
        """Says what it says, and ends it when a machine has ended."""
        child = self.start_command("deploy", "--plain", "lab.yaml")
        said = []
        reader = threading.Thread(target=lambda: [said.append(line) or say([f"# {line.rstrip()}"]) for line in child.stdout])
        reader.start()
        try:
            self.wait(lambda: child.poll() is not None, "nodekiln deploy", seconds=DEPLOY_SECONDS)
        finally:
            child.kill()
            child.wait()
            reader.join()
        if child.returncode != 0:
            raise Failed(f"nodekiln deploy ended with {child.returncode}: {''.join(said)[-900:]}")

    def destroy(self):
        return self.command("destroy", "--yes", "--plain", "lab.yaml")

    # As Nodes asks.

    def vmid(self, name):
        return self.people.first[name].vmid if name in self.people.first else None

    def given(self, name):
        return self.people.first[name].options

    def node_yaml(self, name):
        return self.people.first[name].seed["nodekiln.yaml"]

    def pve_secrets(self):
        return {name: SECRET_IN_SEED.search(self.node_yaml(name))[1] for name in NAMES}

    def secrets_file(self):
        return self.lab.work / f"{self.name}.secrets"

    # What is left.

    def left(self):
        """Of what deploy made: guests, tokens, access lists of tokens, files, disks of no guest."""
        with self.pve.cluster.lock:
            cluster, known = self.pve.cluster, self.pve.volumes.known.values()
            return {"guests": sorted(guest.name for guest in cluster.guests.values() if not guest.template),
                    "tokens": sorted(cluster.directory.users["nodekiln-agent@pve"]["tokens"]),
                    "access lists": [entry for entry in cluster.acl.listing() if entry["type"] == "token"],
                    "files": [volume.volid for volume in known if volume.kind in ("iso", "import") or "nodekiln_" in volume.volid],
                    "disks": [volume.volid for volume in known if volume.vmid and volume.vmid not in cluster.guests]}
