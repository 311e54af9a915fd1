#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nodekiln deploy and destroy against the strict fake, as Proxmox VE 8 and as 9, with guests whose agents are played here.
deploy.py [PATTERN] runs the cases whose name has PATTERN in it."""
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from cloud import FAILED, RECIPE, TARGET, USAGE, Cloud, Image, kill  # noqa: E402
from pve.certificates import Certificates  # noqa: E402
from pve.hypervisor import Hypervisor  # noqa: E402
from pve.raw import Client, Closed  # noqa: E402
from pve.server import NAMES  # noqa: E402

WORKERS = 3
AGENT = "nodekiln-agent@pve"
BLANK = 2048
ARCHIVE_END = bytes.fromhex("28b52ffd60000303200000")  # of a .tar.zst, in a frame of its own
TIMEOUT = 90
CASES = []


class Failed(Exception):
    pass


def case(function):
    CASES.append(function)
    return function


def check(condition, why):
    if not condition:
        raise Failed(why)


def same(found, wanted, what):
    check(found == wanted, f"{what}: {found!r}, wanted {wanted!r}")


def went(done, code=0):
    check(done.returncode == code, f"exit code {done.returncode}, wanted {code}: {done.stdout[-300:]}{done.stderr[-900:]}")
    return done


def seed_of(file):
    """What the guest reads: {key: value} of the words of its node configuration that a stand-in needs, and the whole."""
    text = subprocess.run(["isoinfo", "-R", "-i", file, "-x", "/user-data"], capture_output=True, text=True, check=True).stdout
    config = text.partition("content: |\n")[2]
    return words_of(config), config, text


def words_of(config):
    return {key: value.strip('"') for key, value in re.findall(r"^ *(\w+): (.+)$", config, re.MULTILINE)}


class Players(Hypervisor):
    """Guests whose agents are played here."""

    def start(self, pve, guest):
        threading.Thread(target=pve.boot, args=(guest.vmid,), daemon=True).start()


class Lab(Cloud):
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

    def seeds(self):
        with self.cluster.lock:
            return sorted(volume.volid for volume in self.volumes.known.values() if "nodekiln_" in volume.volid)


def container_seed(file):
    config = subprocess.run(["tar", "--zstd", "-xOf", file, "./etc/nodekiln/node.yaml"], capture_output=True, text=True, check=True).stdout
    return words_of(config), config, config


def acl_of_agents(lab):
    with lab.cluster.lock:
        return [entry for entry in lab.cluster.acl.listing() if entry["type"] == "token"]


def stands(lab, count=2):
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
    for volid in lab.disks():
        check(any(f"-{vmid}-" in volid for vmid in lab.guests()), f"a disk of nobody: {volid}")
    return nodes


def gone(lab):
    lab.settle()
    same((lab.nodes(), lab.tokens(), lab.seeds(), acl_of_agents(lab)), ({}, [], [], []), "what is left")
    for volid in lab.disks():
        check(any(f"-{vmid}-" in volid for vmid in lab.guests()), f"a disk of nobody: {volid}")


def changes(lab):
    return [(entry.method, entry.path) for entry in lab.journal.find() if entry.method != "GET"]


# ---- the way it should be ----

@case
def happy(lab):
    nodes = [{"name": "cp1", "role": "init", "address": "10.0.0.11/24", "gateway": "10.0.0.1"},
             {"name": "w1", "role": "worker", "cores": 4, "memory": "8G", "vmid": 777, "config": {"node": {"labels": {"disk": "fast"}}}}]
    done = went(lab.deploy(file=lab.cluster_file(nodes)))
    guests = stands(lab)
    check("cp1: VM 101 on pve1, ready" in done.stdout and "w1: VM 777 on pve1, ready" in done.stdout, done.stdout)
    first, worker = guests[101], guests[777]
    same((first["name"], first["cores"], first["memory"]), ("cp1", "2", "4096"), "cp1")
    same((worker["name"], worker["cores"], worker["memory"]), ("w1", "4", "8192"), "w1")
    check("size=20G" in first["scsi0"] and "none" in first["scsi2"] and "scsi1" not in first, f"drives: {first}")
    check("kiln.image.debian-12-k8s" in first["tags"] and "nodekiln-template" not in first["description"], first["description"])
    node, config, text = lab.seen["cp1"]
    same((node["cluster"], node["role"], node["vmid"], node["url"]), ("lab", "init", "101", lab.url), "the seed")
    check("certificate_key" in config and "pod_subnet" in config, config)
    check("certificate_key" not in lab.seen["w1"][1] and '"disk": "fast"' in lab.seen["w1"][1], lab.seen["w1"][1])
    secrets = (lab.work / "lab.secrets")
    same(secrets.stat().st_mode & 0o777, 0o600, "mode of the secrets")
    check(node["token"] in secrets.read_text(), "the cluster's token")
    clone = lab.journal.find("POST", "/clone", 200)[0]
    same((clone.values["full"], clone.values["pool"], clone.values["name"]), ("0", "k8s", "cp1"), "the clone")


@case
def again_does_nothing(lab):
    went(lab.deploy())
    lab.journal.clear()
    went(lab.deploy())
    same(changes(lab), [], "changes")
    stands(lab)


@case
def more_nodes(lab):
    went(lab.deploy())
    before = set(lab.nodes())
    nodes = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker"}, {"name": "cp2", "role": "control-plane"}]
    went(lab.deploy(file=lab.cluster_file(nodes)))
    check(before < set(stands(lab, 3)), "the others changed")
    same(lab.seen["cp2"][0]["certificate_key"], lab.seen["cp1"][0]["certificate_key"], "the cluster's key")


@case
def dry_run(lab):
    lab.journal.clear()
    done = went(lab.deploy("--dry-run"))
    same(changes(lab), [], "changes")
    for word in ("clone VM cp1 of debian-12-k8s (linked) on pve1", "upload the seed of VM cp1", "wait until VM w1 is ready", "delete token"):
        check(word in done.stdout, done.stdout)
    check(not (lab.work / "lab.secrets").exists(), "a dry run made secrets")
    went(lab.deploy())
    check("nothing to do" in went(lab.deploy("--dry-run")).stdout, "a plan for what is there")
    plan = went(lab.run("destroy", "--dry-run")).stdout
    check("remove VM 101 cp1 with its disks on pve1" in plan, plan)
    stands(lab)


@case
def full_clones(lab):
    went(lab.deploy("--full"))
    clone = lab.journal.find("POST", "/clone", 200)[0]
    same((clone.values["full"], clone.values["storage"]), ("1", "local-lvm"), "the clone")
    stands(lab)


@case
def events(lab):
    done = went(subprocess.run(lab.argv("deploy", "--json", lab.cluster_file()), capture_output=True, text=True, timeout=TIMEOUT))
    result = json.loads(done.stdout.splitlines()[-1])["result"]
    same([(node["name"], node["vmid"]) for node in result["nodes"]], [("cp1", 101), ("w1", 102)], "the result")


@case
def destroy_leaves_nothing(lab):
    template = set(lab.guests())
    lab.add_vm(500, pool="k8s", name="w1", status="running")
    went(lab.deploy())
    went(lab.run("destroy"), USAGE)
    stands(lab)
    went(lab.destroy())
    gone(lab)
    same(set(lab.guests()), template | {500}, "other guests")
    check(not (lab.work / "lab.secrets").exists(), "secrets of a cluster that has gone")
    went(lab.destroy())


@case
def destroy_one_node(lab):
    went(lab.deploy())
    went(lab.destroy("--node", "w1"))
    same([options["name"] for options in lab.nodes().values()], ["cp1"], "nodes")
    went(lab.deploy())
    stands(lab)


@case
def containers(lab):
    tarball = lab.work / "base.tar.zst"
    make_base(tarball)
    nodes = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker", "kind": "lxc", "address": "10.0.0.5/24", "gateway": "10.0.0.1"}]
    done = went(lab.deploy(file=lab.cluster_file(nodes, container=str(tarball))))
    guests = stands(lab)
    ct, = (options for options in guests.values() if options.get("hostname") == "w1")
    same((ct["unprivileged"], ct["features"], ct["cores"]), ("1", "nesting=1", "2"), "the container")
    check("ip=10.0.0.5/24" in ct["net0"] and "size=20G" in ct["rootfs"], f"{ct}")
    check("CT 102 (w1) is unprivileged" in done.stderr and "modprobe -a overlay br_netfilter" in done.stderr, done.stderr)
    went(lab.destroy())
    gone(lab)


def make_base(tarball):
    """A container template as `nodekiln build` makes them, small."""
    members = io.BytesIO()
    with tarfile.open(fileobj=members, mode="w") as archive:
        for name in ("./etc", "./etc/hostname"):
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name == "./etc" else tarfile.REGTYPE
            archive.addfile(info)
    frame = subprocess.run(["zstd", "-q", "-c"], input=members.getvalue()[:1024], capture_output=True, check=True).stdout
    tarball.write_bytes(frame + ARCHIVE_END)


@case
def secrets_stay_secret(lab):
    done = went(lab.deploy("--verbose"))
    for node, config, _ in lab.seen.values():
        for key in ("token", "certificate_key", "token_secret"):
            if key not in node:
                continue
            check(node[key] not in done.stdout + done.stderr, f"{key} was said")
            for entry in lab.journal.find():
                check(node[key] not in json.dumps(entry.values) + entry.path, f"{key} is in {entry.path}")
    check(lab.secret not in done.stdout + done.stderr, "the deployer's secret was said")
    for options in lab.guests().values():
        check(lab.seen["cp1"][0]["token"] not in json.dumps(options), "a secret in a guest's configuration")


# ---- what is missing ----

@case
def each_missing_right(lab):
    lab.journal.clear()
    for path, privileges in lab.rights.items():
        for privilege in privileges.split():
            if privilege in ("Datastore.Allocate", "VM.Config.HWType"):
                continue
            lab.give({**lab.rights, path: " ".join(word for word in privileges.split() if word != privilege)})
            done = went(lab.deploy(), TARGET)
            check(privilege in done.stderr and path in done.stderr, f"{privilege} on {path}: {done.stderr}")
            same(changes(lab), [], f"changes without {privilege}")
    lab.give(lab.rights)
    went(lab.deploy())
    stands(lab)


@case
def all_that_is_missing_at_once(lab):
    lab.cluster.storages["local"]["content"] = "vztmpl,import"
    del lab.cluster.acl.roles["NodekilnPeer"]
    lab.give({**lab.rights, "/sdn/zones/localnetwork/vmbr0": ""})
    done = went(lab.deploy(), TARGET)
    for word in ("SDN.Use", "pvesm set local --content vztmpl,import,iso", "pveum role add NodekilnPeer --privs 'VM.Audit'"):
        check(word in done.stderr, f"{word} is not in: {done.stderr}")
    same(lab.nodes(), {}, "guests")


@case
def without_the_right_to_delete(lab):
    """Seeds are overwritten: what was secret is gone."""
    lab.give({**lab.rights, "/storage/local": "Datastore.AllocateSpace Datastore.AllocateTemplate"})
    done = went(lab.deploy())
    check("pvesm free local:iso/nodekiln_lab_cp1_" in done.stderr and "Datastore.Allocate" in done.stderr, done.stderr)
    for volid in lab.seeds():
        same(Path(lab.volumes.find(volid, "pve1").file).read_bytes(), bytes(BLANK), volid)
    same(lab.tokens(), [], "tokens")
    lab.journal.clear()
    went(lab.deploy())
    same(changes(lab), [], "changes")
    went(lab.destroy())
    same(lab.nodes(), {}, "guests")


@case
def roles_are_enough(lab):
    """The agents' user, and where seeds go, are said once: in the target."""
    lab.agent_user = "robots@pve"
    lab.add_storage("discs", "backup")
    storages = {"import": "local", "vztmpl": "local", "disks": "local-lvm", "seeds": "discs"}
    for role in ("NodekilnAgent", "NodekilnPeer"):
        del lab.cluster.acl.roles[role]
    lab.use_roles(lab.target(agent_user=lab.agent_user, storages=storages))
    done = went(lab.deploy())
    check("pvesm free discs:iso/nodekiln_lab_cp1_" in done.stderr, done.stderr)
    same(lab.tokens(), [], "tokens")
    check("robots@pve!kiln_lab_cp1" in lab.seen["cp1"][0]["token_id"], f"{lab.seen}")
    went(lab.destroy())
    same(lab.nodes(), {}, "guests")


@case
def storages_of_their_own(lab):
    """A guest's disk and seed go where its node has room for them."""
    lab.cluster.storages["local"]["nodes"] = lab.cluster.storages["local-lvm"]["nodes"] = ["pve1"]
    lab.add_storage("tank", "images,rootdir", kind="zfspool", nodes=["pve2"])
    lab.add_storage("files", "iso,vztmpl,import", nodes=["pve2"])
    lab.give({**lab.rights, "/storage/tank": lab.rights["/storage/local-lvm"], "/storage/files": lab.rights["/storage/local"]})
    own = {"import": "files", "vztmpl": "files", "disks": "tank"}
    target = lab.target(nodes=["pve1", {"name": "pve2", "storages": own}])
    went(lab.publish(Image(lab.work / "more", ct=False), target=target))
    lab.journal.clear()
    nodes = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker", "node": "pve2"}]
    went(lab.deploy("--full", file=lab.cluster_file(nodes)))
    disks = [options["scsi0"].split(":")[0] for options in stands(lab).values()]
    uploads = [entry.path.split("/")[4] for entry in lab.journal.find("POST", "/upload", 200)]
    same((sorted(disks), sorted(uploads)), (["local-lvm", "tank"], ["files", "local"]), "storages")
    went(lab.destroy())
    gone(lab)


@case
def no_template(lab):
    done = went(lab.deploy(file=lab.cluster_file(template="nope")), TARGET)
    check("no template nope" in done.stderr and "nodekiln publish" in done.stderr, done.stderr)
    went(lab.deploy(file=lab.cluster_file(template="100")))
    stands(lab)


@case
def wrong_files(lab):
    for more, word in (({"cluster": "L_b"}, "DNS label"), ({"nodes": [{"name": "w1", "role": "worker"}]}, "role init"),
                       ({"nodes": [{"name": "a", "role": "init", "node": "pve9"}]}, "pve9"), ({"nope": 1}, "unknown key 'nope'"),
                       ({"config": {"token": "x"}}, "deploy writes itself"), ({"config": {"networking": {"pod_subnet": "x"}}}, "pod_subnet"),
                       ({"nodes": [{"name": "a", "role": "init"}, {"name": "a", "role": "worker"}]}, "twice")):
        done = went(lab.deploy(file=lab.cluster_file(**more)), RECIPE)
        check(word in done.stderr, f"{more}: {done.stderr}")
    same(lab.nodes(), {}, "guests")


# ---- what goes wrong ----

@case
def a_node_that_fails(lab):
    lab.states["w1"] = "failed"
    done = went(lab.deploy(), FAILED)
    check("kubeadm went wrong" in done.stderr and "w1" in done.stderr, done.stderr)
    del lab.states["w1"]
    went(lab.destroy("--node", "w1"))
    went(lab.deploy())
    stands(lab)


LOST = [(595, False), (596, False), (596, True), ("cut", False), ("cut", True)]


def lose(lab, kind, carry_out, *requests):
    for method, path in requests:
        if kind == "cut":
            lab.faults.add("cut", method=method, path=path, carry_out=carry_out)
        else:
            lab.faults.answer(kind, method=method, path=path, carry_out=carry_out)


@case
def answers_that_are_lost(lab):
    """Each change, done or not done, answered with 595, 596 or nothing: it is never done twice. (Half of it as 8, half as 9: what is
    lost is lost alike, and every loss costs a second of patience.)"""
    for kind, carry_out in LOST[lab.version % 2::2]:
        lose(lab, kind, carry_out, ("POST", "/clone$"), ("PUT", "/resize$"), ("POST", "/token/kiln_lab_cp1"), ("PUT", "/access/acl$"),
             ("POST", "/upload$"), ("PUT", "/config$"), ("POST", "/start$"), ("DELETE", "/content/"), ("DELETE", "/token/kiln_lab_cp1"))
        went(lab.deploy())
        check(not lab.faults.waiting, f"{kind}: not asked for: {lab.faults.waiting}")
        stands(lab)
        lose(lab, kind, carry_out, ("POST", "/stop$"), ("DELETE", "/qemu/"))
        went(lab.destroy())
        check(not lab.faults.waiting, f"{kind}: not asked for: {lab.faults.waiting}")
        gone(lab)
        lab.troubles.clear()


@case
def a_lock_that_goes(lab):
    """Somebody makes a backup of a guest that is not configured yet."""
    def lock(_):
        lab.edit(101, lock="backup")
        threading.Timer(2, lambda: lab.edit(101, delete=("lock",))).start()
    lab.faults.add("run", method="POST", path="/token/kiln_lab_cp1", after=True, function=lock)
    went(lab.deploy())
    stands(lab)


@case
def busy(lab):
    for path, method in (("/clone$", "POST"), ("/resize$", "PUT"), ("/config$", "PUT"), ("/access/acl$", "PUT"), ("/token/", "POST")):
        lab.faults.answer(500, "got lock request timeout", path=path, method=method)
    went(lab.deploy())
    stands(lab)


@case
def workers_that_die(lab):
    for kind in ("qmclone", "imgcopy", "resize", "qmstart", "imgdel"):
        lab.tasks.dying.add(kind)
    went(lab.deploy())
    left = [vmid for vmid, options in lab.guests().items() if options == {"lock": "clone"}]
    same(left, [101], "what a dead worker leaves, in no pool and for nobody's token to see")
    stands(lab)


@case
def vmid_collision(lab):
    lab.faults.add("run", method="POST", path="/clone$", function=lambda _: lab.add_vm(101, status="stopped"))
    went(lab.deploy())
    same(sorted(stands(lab)), [102, 103], "VMIDs")
    lab.add_vm(300, status="stopped")
    nodes = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker"}, {"name": "w2", "role": "worker", "vmid": 300}]
    check("already exists" in went(lab.deploy(file=lab.cluster_file(nodes)), TARGET).stderr, "a number of its own that is taken")


@case
def a_lost_digest_race(lab):
    lab.edit_after(101, path="/101/config$", times=1, onboot=1)
    went(lab.deploy())
    stands(lab)


@case
def a_token_that_has_gone(lab):
    """Killed before the start, and the token expired meanwhile."""
    lab.faults.add("run", method="POST", path="/start$", function=lambda _: kill(child))
    child = lab.start_deploy()
    child.wait(timeout=60)
    child.stdout.close()
    for token in lab.cluster.directory.users[AGENT]["tokens"].values():
        token["expire"] = 1000
    time.sleep(1)
    lab.troubles.clear()  # a guest that was started all the same has no token
    went(lab.deploy())
    stands(lab)


# ---- other people ----

@case
def two_deployers(lab):
    """With one file of secrets: one waits for the other."""
    children = [lab.start_deploy(file=lab.cluster_file()) for _ in range(2)]
    for child in children:
        said = child.communicate(timeout=TIMEOUT)[0]
        same(child.returncode, 0, said[-500:])
    stands(lab)


@case
def two_deployers_with_other_secrets(lab):
    children = [lab.start_deploy("--secrets", lab.work / name, file=lab.cluster_file()) for name in ("a", "b")]
    for child in children:
        child.said = child.communicate(timeout=TIMEOUT)[0]
    codes = sorted(child.returncode for child in children)
    check(codes in ([0, TARGET], [TARGET, TARGET]), f"{codes}: {[child.said[-300:] for child in children]}")
    if codes[0] == 0:
        stands(lab)
    else:
        gone(lab)


@case
def a_cluster_of_the_same_name(lab):
    went(lab.deploy())
    before = lab.nodes()
    done = went(lab.deploy("--secrets", lab.work / "other"), TARGET)
    check("other secrets" in done.stderr, done.stderr)
    same(lab.nodes(), before, "guests")


# ---- killed ----

def killed_everywhere(lab, command, options=()):
    """Reads change nothing: being killed at one of them is being killed after the write before it. So: at each write, before it is
    carried out and after, when nobody hears the answer."""
    one = [{"name": "cp1", "role": "init"}]
    for number in range(100):
        for after in (False, True):
            if command == "destroy":
                lab.states["cp1"] = "failed"  # so that there is a token and a seed
                went(lab.deploy(file=lab.cluster_file(one)), FAILED)
            if not killed_at(lab, number, after, command, options, lab.cluster_file(one)):
                check(number > 2, f"only {number} writes")
                return
            try:
                if command == "deploy":
                    went(lab.deploy(file=lab.cluster_file(one)))
                    stands(lab, 1)
                went(lab.destroy(file=lab.cluster_file(one)))
                gone(lab)
            except Failed as why:
                raise Failed(f"killed {'after' if after else 'before'} write {number}: {why}") from None


def killed_at(lab, number, after, command, options, file):
    """True when it had so many writes."""
    left = [number]

    def look(request):
        if request.method != "GET" and "nodekiln@pve" in str(request.headers):
            left[0] -= 1
            if left[0] == -1:
                kill(child)
    lab.settle()
    child = lab.start_deploy(*options, command=command, file=file)
    lab.faults.add("run", after=after, times=10 ** 6, function=look)  # it reads a lot before it writes
    child.communicate(timeout=TIMEOUT)
    lab.faults.clear()
    return child.returncode < 0


@case
def killed_deploy(lab):
    killed_everywhere(lab, "deploy")


@case
def killed_destroy(lab):
    killed_everywhere(lab, "destroy", ["--yes"])


@case
def killed_while_a_task_runs(lab):
    """The next run waits for what the killed one has started, and goes on from there."""
    for kind in ("qmclone", "resize", "imgcopy", "qmstart"):
        lab.tasks.kinds[kind] = 1
        child = lab.start_deploy(file=lab.cluster_file())
        lab.wait(lambda kind=kind: any(task.kind == kind and not task.exitstatus for task in lab.tasks.tasks.values()))
        kill(child)
        child.stdout.close()
        went(lab.deploy())
        lab.tasks.kinds.clear()
        stands(lab)
        went(lab.destroy())
        gone(lab)


def run(function, version, certificates):
    name = f"deploy-{version}-{function.__name__.replace('_', '-')}"
    started, troubles = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="nodekiln-deploy-", ignore_cleanup_errors=True) as work:
        try:
            with Lab(version, Path(work) / "cloud", certificates=certificates) as lab:
                went(lab.publish(Image(Path(work) / "out", ct=False)))
                troubles = lab.troubles
                function(lab)
            return f"ok {name} ({time.monotonic() - started:.1f} s)"
        except Exception as error:  # a case fails by any of them
            where = traceback.extract_tb(error.__traceback__)
            lines = "/".join(str(frame.lineno) for frame in where if frame.filename.endswith("deploy.py"))
            return f"not ok {name}: line {lines}: {type(error).__name__} {' '.join(str(error).split())} {troubles}"


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [(function, version) for version in (8, 9) for function in CASES
              if pattern in f"deploy-{version}-{function.__name__.replace('_', '-')}"]
    good = 0
    directory = Path(tempfile.mkdtemp(prefix="nodekiln-deploy-"))
    for version in (8, 9):
        Certificates(directory / str(version), version, [*NAMES, "pve1"])
    with ThreadPoolExecutor(WORKERS) as pool:
        for line in pool.map(lambda one: run(*one, directory / str(one[1])), chosen):
            print(line, flush=True)
            good += line.startswith("ok ")
    shutil.rmtree(directory)
    sys.exit(not chosen or good < len(chosen))


if __name__ == "__main__":
    main()
