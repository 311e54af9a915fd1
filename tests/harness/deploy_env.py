# SPDX-License-Identifier: Apache-2.0
"""What the tests of `nodekiln deploy` and `destroy` share: guests whose agents are played here."""
import contextlib
import json
import re
import subprocess
import threading
import time

from harness.cases import Failed, check, exited, same
from harness.pve_cases import Cases
from harness.pve_env import Image, PveEnv
from pve.hypervisor import Hypervisor
from pve.raw import Client, Closed

WORKERS = 3
AGENT = "nodekiln-agent@pve"
BLANK = 2048
ARCHIVE_END = bytes.fromhex("28b52ffd60000303200000")  # of a .tar.zst, in a frame of its own
TIMEOUT = 90


@contextlib.contextmanager
def prepare(version, work, certificates):
    with Lab(version, work / "cloud", certificates=certificates) as lab:
        exited(lab.publish(Image(work / "out", ct=False)))
        try:
            yield (lab,)
        except Exception as error:
            raise Failed(f"{error} {lab.troubles}") from error


def cases(name):
    return Cases(name, prepare, WORKERS)


def from_iso(file, name):
    return subprocess.run(["isoinfo", "-R", "-i", file, "-x", f"/{name}"], capture_output=True, text=True, check=True).stdout


def seed_of(file):
    """What the guest reads: {key: value} of the words of its node configuration that a test's agent needs, this as text, and cloud-init's."""
    config = from_iso(file, "nodekiln.yaml")
    return words_of(config), config, from_iso(file, "user-data")


def words_of(config):
    return {key: value.strip('"') for key, value in re.findall(r"^ *(\w+): (.+)$", config, re.MULTILINE)}


class Players(Hypervisor):
    """Guests whose agents are played here."""

    def start(self, pve, guest):
        threading.Thread(target=pve.boot, args=(guest.vmid,), daemon=True).start()


class Lab(PveEnv):
    """A cloud with a published template, a user for agents, and guests that come up when they are started."""

    def __init__(self, version, work, **more):
        super().__init__(version, work, nodes=("pve2",), hypervisor=Players(), **more)
        self.rights = {
            "/storage/local": "Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Allocate",
            "/storage/local-lvm": "Datastore.AllocateSpace",
            "/pool/k8s": "VM.Allocate VM.Audit VM.Clone VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk VM.Config.HWType "
                         "VM.Config.Memory VM.Config.Network VM.Config.Options VM.PowerMgmt Pool.Allocate",
            "/sdn/zones/localnetwork/vmbr0": "SDN.Use",
            "/access/groups/nodekiln-agents": "User.Modify",
        }
        self.give(self.rights)
        self.agent_user = AGENT
        self.add_user(AGENT, groups=["nodekiln-agents"])
        self.add_role("NodekilnAgent", "VM.Audit VM.Config.Options")
        self.add_role("NodekilnPeer", "VM.Audit")
        self.grant("/pool/k8s", "NodekilnAgent", AGENT)
        self.states = {}  # node: the last state, "ready" by default
        self.seen, self.troubles = {}, []

    # The agents.

    def boot(self, vmid):
        try:
            self.play(vmid)
        except (Closed, ConnectionError, OSError, KeyError):
            pass  # the fake went down, or the guest
        except Exception as why:
            self.troubles.append(f"guest {vmid}: {why!r}")

    def attached(self, vmid):
        with self.cluster.lock:
            guest = self.cluster.guests[vmid]
            for name, value in guest.options.items():
                if re.match(r"scsi\d+$", name) and ":iso/" in value:
                    return self.volumes.need(value.split(",")[0], guest.node).file
            return self.volumes.find(guest.options["rootfs"].split(",")[0], guest.node).file if guest.kind == "lxc" else None

    def play(self, vmid):
        file = self.attached(vmid)
        check(file, "no seed is attached")
        node, config, text = (container_seed if self.cluster.guests[vmid].kind == "lxc" else seed_of)(file)
        self.seen[node["name"]] = node, config, text
        client = Client(self, f"{node['token_id']}={node['token_secret']}")
        with self.cluster.lock:
            guest = self.cluster.guests[vmid]
            path = f"/nodes/{guest.node}/{guest.kind}/{vmid}/config"
        check("/pool/k8s" in client.get("/access/permissions"), "the token does not see the pool")
        for state in ("booting", "joining", self.states.get(node["name"], "ready")):
            config = client("GET", path).data
            line = {"role": node["role"], "state": state, "cluster": node["cluster"], "node": node["name"], "vmid": vmid}
            if node["role"] == "init" and state == "ready":
                line["endpoint"] = "10.0.0.11:6443"
            if state == "failed":
                line["error"] = "kubeadm went wrong"
            notes = [one for one in config["description"].splitlines() if not one.startswith("nodekiln: {")]
            tags = [tag for tag in config["tags"].split(";") if not tag.startswith("k8s.state.")] + [f"k8s.state.{state}"]
            reply = client("PUT", path, {"description": "\n".join([*notes, "nodekiln: " + json.dumps(line)]), "tags": ";".join(tags)})
            check(reply.status == 200, f"{reply.status} {reply.reason}")
            others = client("PUT", path.replace(str(vmid), "9999"), {"tags": "x"})
            check(others.status != 200, "the token may write other guests")
            time.sleep(0.05)

    # The commands.

    def cluster_file(self, nodes=None, **more):
        nodes = nodes or [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker"}]
        keys = {"cluster": "lab", "target": "target.yaml", "template": "debian-12-k8s", "cores": 2, "memory": "4G", "disk": "20G",
                "config": {"networking": {"pod_subnet": "10.244.0.0/16"}}, "nodes": nodes, **more}
        file = self.work / "lab.yaml"
        file.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in keys.items() if value is not None))
        if not (self.work / "target.yaml").exists():
            self.target()
        return file

    def run(self, command, *options, file=None, timeout=TIMEOUT):
        return subprocess.run(self.argv(command, "--plain", file or self.cluster_file(), *options), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", timeout=timeout)

    def deploy(self, *options, **more):
        return self.run("deploy", *options, **more)

    def destroy(self, *options, **more):
        return self.run("destroy", "--yes", *options, **more)

    def start_deploy(self, *options, file=None, command="deploy"):
        return subprocess.Popen(self.argv(command, "--plain", file or self.cluster_file(), *options), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)

    # What there is.

    def nodes(self, cluster="lab"):
        return {vmid: options for vmid, options in self.guests().items() if f'"cluster":"{cluster}"' in options.get("description", "")}

    def tokens(self):
        with self.cluster.lock:
            return sorted(self.cluster.directory.users[self.agent_user]["tokens"])

    def drop(self, vmid):
        """Removes a guest, as an administrator does it."""
        with self.cluster.lock:
            self.cluster.remove_guest(vmid)
            for volume in [volume for volume in self.volumes.known.values() if f"-{vmid}-" in volume.volid]:
                self.volumes.remove(volume)

    def seeds(self):
        with self.cluster.lock:
            return sorted(volume.volid for volume in self.volumes.known.values() if "nodekiln_" in volume.volid)


def container_seed(file):
    config = subprocess.run(["tar", "--zstd", "-xOf", file, "./etc/nodekiln/node.yaml"], capture_output=True, text=True, check=True).stdout
    return words_of(config), config, config


def acl_of_agents(lab):
    with lab.cluster.lock:
        return [entry for entry in lab.cluster.acl.listing() if entry["type"] == "token"]


def assert_ready(lab, count=2):
    """The cluster is there, and nothing of how it was made."""
    lab.settle()
    same(lab.troubles, [], "troubles of guests")
    nodes = lab.nodes()
    same(len(nodes), count, "guests of the cluster")
    for vmid, options in nodes.items():
        same(lab.cluster.guests[vmid].running, True, f"guest {vmid} runs")
        check('"state": "ready"' in options["description"] and f'"vmid":{vmid}' in options["description"], options["description"])
        check({"k8s.cluster.lab", "nodekiln.cluster.lab", "k8s.state.ready"} <= set(options["tags"].split(";")), options["tags"])
        for name, value in options.items():
            check(":iso/" not in value and "cloudinit" not in value, f"{name} of {vmid}: {value}")
    same((lab.tokens(), lab.seeds(), acl_of_agents(lab)), ([], [], []), "tokens, seeds and access lists")
    same(lab.cluster.acl.warned, [], "tokens that were deleted with entries in access lists")
    for volid in lab.disks():
        check(any(f"-{vmid}-" in volid for vmid in lab.guests()), f"a disk of no guest: {volid}")
    return nodes


def gone(lab):
    lab.settle()
    same((lab.nodes(), lab.tokens(), lab.seeds(), acl_of_agents(lab)), ({}, [], [], []), "what is left")
    same(lab.cluster.acl.warned, [], "tokens that were deleted with entries in access lists")
    for volid in lab.disks():
        check(any(f"-{vmid}-" in volid for vmid in lab.guests()), f"a disk of no guest: {volid}")


def changes(lab):
    return [(entry.method, entry.path) for entry in lab.journal.find() if entry.method != "GET"]
