# SPDX-License-Identifier: Apache-2.0
"""Nodes of a fake Proxmox VE, machines of a lab: one init and one worker unless a test has others. What tests ask of them, however they were made: by hand
(cluster.py, native_cluster.py) or by nodekiln (deployed.py). Not a test itself.
"""
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness.cases import Failed, say

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
INIT, WORKER = NAMES = ("cp1", "w1")
TAGS, NOTES = "prod", "Ask Ada before a reboot.\n\n- rack 7\n"  # what people wrote at the guests
# Emulated nodes on a busy host take their time; when all goes well nothing waits for these.
TIMEOUTS = {"rendezvous": "60m", "kubeadm": "40m", "ready": "20m"}
READY_SECONDS = 1500
STATE_TAG = re.compile(r"k8s\.state\.(\w+)")
KUBECTL = "sudo -n kubectl --kubeconfig /etc/kubernetes/admin.conf"
# What a node says after a test has failed, and what the init node says of the cluster.
SHOW = "nodekiln-agent status; sudo -n journalctl --no-pager -n 60 -u nodekiln-agent; sudo -n systemctl --no-pager --failed; "
SHOW_CLUSTER = f"{KUBECTL} get nodes,pods -A -o wide; {KUBECTL} get events -A --sort-by=.lastTimestamp | tail -n 40"


def pki_options(image):
    """For `nodekiln seed`: Kubernetes before 1.31 makes the PKI itself. By the image's manifest, else as for a later one."""
    try:
        manifest = json.loads(Path(re.sub(r"\.(qcow2|tar\.zst)$", ".manifest.json", str(image))).read_text())
        return ["--kubeadm-pki"] if int(manifest["versions"]["kubernetes"].split(".")[1]) < 31 else []
    except (OSError, KeyError, ValueError, TypeError, IndexError):
        return []


class Nodes:
    """lab: with a machine for each of names, the init node first. runtime: the image's."""

    names = NAMES

    def __init__(self, lab, pve, runtime, name):
        self.lab, self.pve, self.runtime, self.name = lab, pve, runtime, name
        self.started, self.seen = time.monotonic(), {}

    # As each way to make them knows it.

    def vmid(self, name):
        raise NotImplementedError

    def node_yaml(self, name):
        """The node configuration in its seed."""
        raise NotImplementedError

    def given(self, name):
        """The guest's options, as they were before its agent ran."""
        raise NotImplementedError

    def pve_secrets(self):
        """{node: its token's secret}"""
        raise NotImplementedError

    def secrets_file(self):
        raise NotImplementedError

    # As Proxmox VE shows them.

    def secrets(self):
        """By name; of a bootstrap token the half that is none is public."""
        made = self.secrets_file().read_text()
        own = {f"key of {name}'s certificate": key for name in self.names for key in re.findall(r'^ +key: "(\w+)"', self.node_yaml(name), re.M)}
        return {**{f"{name}": key for name, key in re.findall(r'^ +(\w+_key): "([0-9a-f]{64})"', made, re.M)},
                **{"token": half for half in re.findall(r'token: "\w+\.(\w+)"', made)}, **own,
                **{f"PVE secret of {name}": secret for name, secret in self.pve_secrets().items()}}

    def options(self, name):
        vmid = self.vmid(name)
        return self.pve.config(vmid) if vmid else {}

    def state(self, name):
        """None: not registered yet."""
        tag = STATE_TAG.search(self.options(name).get("tags", ""))
        return tag and tag[1]

    def notes(self, name):
        return self.options(name).get("description", "")

    def member(self, name):
        """What the agent's line in the notes says."""
        lines = [line for line in self.notes(name).splitlines() if line.startswith("nodekiln: ")]
        if len(lines) != 1:
            raise Failed(f"the notes of {name} have {len(lines)} lines of the agent: {self.notes(name)!r}")
        return json.loads(lines[0].removeprefix("nodekiln: "))

    # Waiting.

    def seconds(self):
        return time.monotonic() - self.started

    def wait(self, condition, what, pause=0.5, seconds=READY_SECONDS):
        """Until condition() is true. Says when a node's state has changed, and fails with a node that has."""
        limit = time.monotonic() + seconds
        while not condition():
            for name in self.names:
                self.look_at(name)
            if time.monotonic() > limit:
                raise Failed(f"{what}: not within {seconds} s; {self.seen}")
            time.sleep(pause)

    def look_at(self, name):
        state, process = self.state(name), self.lab[name].process
        if state != self.seen.get(name):
            self.seen[name] = state
            say([f"# {self.seconds():.0f} s: {name} is {state}"])
        if state == "failed":
            raise Failed(f"{name} has failed: {self.notes(name)}")
        if process and process.poll() is not None:
            raise Failed(f"the machine of {name} ended with {process.returncode}")

    def wait_ready(self):
        self.wait(lambda: all(self.state(name) == "ready" for name in self.names), "all nodes ready")
        say([f"# {self.seconds():.0f} s: all are ready"])

    # From inside.

    def kubectl(self, arguments, stdin=None):
        more = "" if stdin is None else f" <<'END'\n{stdin}\nEND"
        return self.lab[INIT].ask(f"{KUBECTL} {arguments}{more}")

    def get(self, what):
        return json.loads(self.kubectl(f"get -o json {what}"))["items"]

    def show(self):
        """For a test that has failed: what the nodes have to say."""
        for name in filter(lambda name: self.lab[name].process, self.names):
            machine = self.lab[name]
            try:
                said = machine.ssh(SHOW + (SHOW_CLUSTER if name == INIT else ""), 60)
                lines = (said.stdout + said.stderr).splitlines() or machine.tail()
            except subprocess.TimeoutExpired:
                lines = machine.tail()
            say([f"# {name}: {line[:200]}" for line in lines])


def image(argv):
    """That of the command line, else the default recipe's."""
    return Path(argv[1]) if len(argv) > 1 else TOP / "out/debian-13.qcow2"


def watched(title, test, cluster):
    """Returns whether the test is fine; if not, the nodes have said why."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        fine = test(cluster)
    except Failed as why:
        say([f"not ok {title}: {why}"])
        fine = False
    if not fine:
        cluster.show()
    return fine
