#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nodekiln deploy and destroy against the strict fake, as Proxmox VE 8 and as 9, with guests whose agents are played here.
deploy.py [PATTERN] runs the cases whose name has PATTERN in it."""
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path

from harness.build_env import NODEKILN
from harness.cases import check, exited, same
from harness.deploy_env import ARCHIVE_END, BLANK, TIMEOUT, assert_ready, cases, changes, gone
from harness.pve_env import RECIPE, TARGET, USAGE, Image

case = cases("deploy")


def part(config, key):
    """Of the section `pki`, as it is written."""
    return re.search(f'^ +{key}: "(.*)"$', config, re.M)[1]


# ---- the way it should be ----

@case
def happy(lab):
    nodes = [{"name": "cp1", "role": "init", "address": "10.0.0.11/24", "gateway": "10.0.0.1"},
             {"name": "w1", "role": "worker", "cores": 4, "memory": "8G", "vmid": 777, "config": {"node": {"labels": {"disk": "fast"}}}}]
    done = exited(lab.deploy(file=lab.cluster_file(nodes)))
    guests = assert_ready(lab)
    check("cp1: VM 101 on pve1, ready" in done.stdout and "w1: VM 777 on pve1, ready" in done.stdout, done.stdout)
    first, worker = guests[101], guests[777]
    same((first["name"], first["cores"], first["memory"]), ("cp1", "2", "4096"), "cp1")
    same((worker["name"], worker["cores"], worker["memory"]), ("w1", "4", "8192"), "w1")
    check("size=20G" in first["scsi0"] and "none" in first["scsi2"] and "scsi1" not in first, f"drives: {first}")
    check("kiln.image.debian-12-k8s" in first["tags"] and "nodekiln-template" not in first["description"], first["description"])
    node, config, text = lab.seen["cp1"]
    same((node["cluster"], node["role"], node["vmid"], node["url"]), ("lab", "init", "101", lab.url), "the seed")
    check(re.search('^ +ca_key: "[0-9a-f]{64}"$', config, re.M) and "pod_subnet" in config and " token:" not in config, config)
    worker_config = lab.seen["w1"][1]
    check(not re.search("ca_key|service_account", worker_config) and '"disk": "fast"' in worker_config, worker_config)
    check(part(worker_config, "certificate") != part(config, "certificate") and part(worker_config, "ca") == part(config, "ca"), worker_config)
    secrets = (lab.work / "lab.secrets")
    same(secrets.stat().st_mode & 0o777, 0o600, "mode of the secrets")
    check(part(config, "ca_key") in secrets.read_text(), "the cluster's CA")
    kubeconfig = lab.work / "lab.kubeconfig"
    same(kubeconfig.stat().st_mode & 0o777, 0o600, "mode of the kubeconfig")
    check(f"kubectl --kubeconfig {kubeconfig}" in done.stdout and 'server: "https://10.0.0.11:6443"' in kubeconfig.read_text(), done.stdout)
    clone = lab.journal.find("POST", "/clone", 200)[0]
    same((clone.values["full"], clone.values["pool"], clone.values["name"]), ("0", "k8s", "cp1"), "the clone")


@case
def again_does_nothing(lab):
    exited(lab.deploy())
    lab.journal.clear()
    exited(lab.deploy())
    same(changes(lab), [], "changes")
    assert_ready(lab)


@case
def more_nodes(lab):
    exited(lab.deploy())
    before = set(lab.nodes())
    nodes = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker"}, {"name": "cp2", "role": "control-plane"}]
    exited(lab.deploy(file=lab.cluster_file(nodes)))
    check(before < set(assert_ready(lab, 3)), "the others changed")
    same(part(lab.seen["cp2"][1], "ca_key"), part(lab.seen["cp1"][1], "ca_key"), "the cluster's CA")


@case
def pki_by_kubeadm(lab):
    """The weaker way, by choice: it stays for a cluster that has it."""
    exited(lab.deploy(file=lab.cluster_file(pki="kubeadm")))
    config, worker_config = lab.seen["cp1"][1], lab.seen["w1"][1]
    check("certificate_key" in config and "certificate_key" not in worker_config and "token" in worker_config, config)
    check("pki:" not in config and not (lab.work / "lab.kubeconfig").exists(), "a PKI of the deployer")
    nodes = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker"}, {"name": "w2", "role": "worker"}]
    exited(lab.deploy(file=lab.cluster_file(nodes)))
    same(lab.seen["w2"][0]["token"], lab.seen["cp1"][0]["token"], "the cluster's token")


@case
def pki_cannot_be_kubeadms_any_more(lab):
    exited(lab.deploy())
    done = exited(lab.deploy(file=lab.cluster_file(pki="kubeadm")), RECIPE)
    check("lab.secrets" in done.stderr and "pki is kubeadm" in done.stderr, done.stderr)


@case
def dry_run(lab):
    lab.journal.clear()
    done = exited(lab.deploy("--dry-run"))
    same(changes(lab), [], "changes")
    for word in ("clone VM cp1 of debian-12-k8s (linked) on pve1", "upload the seed of VM cp1", "wait until VM w1 is ready", "delete token"):
        check(word in done.stdout, done.stdout)
    check(not (lab.work / "lab.secrets").exists(), "a dry run made secrets")
    exited(lab.deploy())
    check("nothing to do" in exited(lab.deploy("--dry-run")).stdout, "a plan for what is there")
    plan = exited(lab.run("destroy", "--dry-run")).stdout
    check("remove VM 101 cp1 with its disks on pve1" in plan, plan)
    assert_ready(lab)


@case
def full_clones(lab):
    exited(lab.deploy("--full"))
    clone = lab.journal.find("POST", "/clone", 200)[0]
    same((clone.values["full"], clone.values["storage"]), ("1", "local-lvm"), "the clone")
    assert_ready(lab)


@case
def events(lab):
    done = exited(subprocess.run(lab.argv("deploy", "--json", lab.cluster_file()), capture_output=True, text=True, timeout=TIMEOUT))
    result = json.loads(done.stdout.splitlines()[-1])["result"]
    same([(node["name"], node["vmid"]) for node in result["nodes"]], [("cp1", 101), ("w1", 102)], "the result")
    for removed in ["cp1", "w1"], []:
        done = exited(subprocess.run(lab.argv("destroy", "--json", "--yes", lab.cluster_file()), capture_output=True, text=True, timeout=TIMEOUT))
        same(json.loads(done.stdout.splitlines()[-1])["result"], {"cluster": "lab", "removed": removed}, "the result")


@case
def warned_of_a_work_tree(lab):
    subprocess.run(["git", "init", "-q", lab.work], check=True)
    done = exited(lab.deploy())
    for name in ("lab.secrets", "lab.kubeconfig"):
        check(f"{name}, which holds a cluster's secrets, is in a git work tree" in done.stdout + done.stderr, done.stderr)


@case
def destroy_leaves_nothing(lab):
    template = set(lab.guests())
    lab.add_vm(500, pool="k8s", name="w1", status="running")
    exited(lab.deploy())
    exited(lab.run("destroy"), USAGE)
    assert_ready(lab)
    exited(lab.destroy())
    gone(lab)
    same(set(lab.guests()), template | {500}, "other guests")
    check(not (lab.work / "lab.secrets").exists(), "secrets of a cluster that has gone")
    exited(lab.destroy())


@case
def destroy_keeps_other_clusters(lab):
    """One file may have several; of a cluster that `seed` made it has only the PKI."""
    node, secrets = lab.work / "other.yaml", lab.work / "lab.secrets"
    node.write_text("cluster: other\nrole: init\nnode: {name: o1}\n")
    exited(subprocess.run([NODEKILN, "seed", node, "--secrets", secrets, "--out", lab.work / "o1.iso"], capture_output=True, text=True, timeout=TIMEOUT))
    key = part(secrets.read_text(), "ca_key")
    exited(lab.deploy())
    exited(lab.destroy())
    check(secrets.exists() and part(secrets.read_text(), "ca_key") == key, "the other cluster's CA is lost")


@case
def destroy_with_other_secrets(lab):
    """Whatever file or target is named by mistake: guests and files stay, and it does not say that nothing is left."""
    other = lab.work / "other.secrets"
    exited(lab.deploy("--secrets", other))
    kept = other.read_text()
    exited(lab.destroy("--secrets", other))
    exited(lab.deploy())
    other.touch(0o600)
    other.write_text(kept)
    before = lab.nodes()
    for options in (), ("--dry-run",), ("--node", "cp1"):
        done = exited(lab.destroy("--secrets", other, *options), TARGET)
        check("knows no guest of cluster lab that is here" in done.stderr and "nothing is left" not in done.stdout, done.stderr + done.stdout)
        same((lab.nodes(), other.read_text()), (before, kept), f"guests and secrets after {options}")
    exited(lab.destroy())
    done = exited(lab.destroy("--secrets", other), TARGET)
    check("sees none of the cluster's guests" in done.stderr and other.read_text() == kept, done.stderr)


@case
def destroy_keeps_secrets_of_seeds(lab):
    """Of `nodekiln seed`: there is nothing that deploy made, so nothing of it goes."""
    node = lab.work / "cp1.yaml"
    node.write_text("cluster: lab\nrole: init\n")
    secrets = lab.work / "lab.secrets"
    exited(subprocess.run(lab.argv("seed", node, "--secrets", secrets, "-o", lab.work / "cp1.iso"), capture_output=True, text=True))
    kept = secrets.read_text()
    check("nothing is there" in exited(lab.destroy()).stdout and secrets.read_text() == kept, "the secrets")


@case
def destroy_after_a_user_has_removed_guests(lab):
    exited(lab.deploy())
    lab.drop(next(vmid for vmid, options in lab.nodes().items() if options["name"] == "w1"))
    check("nothing is left" in exited(lab.destroy()).stdout, "the cluster")
    check(not (lab.work / "lab.secrets").exists(), "secrets of a cluster that has gone")


@case
def refused_before_anything(lab):
    """No file of secrets is left that nothing was made with."""
    lab.give({**lab.rights, "/sdn/zones/localnetwork/vmbr0": ""})
    exited(lab.deploy(), TARGET)
    lab.give(lab.rights)
    exited(lab.deploy("--secrets", lab.work / "a.secrets"))
    exited(lab.deploy(), TARGET)
    check(not (lab.work / "lab.secrets").exists(), "secrets of a refused deploy")


@case
def destroy_one_node(lab):
    exited(lab.deploy())
    exited(lab.destroy("--node", "w1"))
    same([options["name"] for options in lab.nodes().values()], ["cp1"], "nodes")
    exited(lab.deploy())
    assert_ready(lab)


@case
def containers(lab):
    tarball = lab.work / "base.tar.zst"
    make_base(tarball)
    nodes = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker", "kind": "lxc", "address": "10.0.0.5/24", "gateway": "10.0.0.1"}]
    lab.target(tags=["golden", "k8s.mine"])
    done = exited(lab.deploy(file=lab.cluster_file(nodes, container=str(tarball))))
    guests = assert_ready(lab)
    for vmid, options in guests.items():
        check({"golden", "k8s.mine"} <= set(options["tags"].split(";")), f"tags of {vmid}: {options['tags']}")
    ct, = (options for options in guests.values() if options.get("hostname") == "w1")
    same((ct["unprivileged"], ct["features"], ct["cores"], ct["swap"]), ("1", "nesting=1", "2", "0"), "the container")
    check("ip=10.0.0.5/24" in ct["net0"] and "size=20G" in ct["rootfs"], f"{ct}")
    check("CT 102 (w1) is unprivileged" in done.stderr and "modprobe -a overlay br_netfilter" in done.stderr, done.stderr)
    exited(lab.destroy())
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
    done = exited(lab.deploy("--verbose"))
    for node, config, _ in lab.seen.values():
        secrets = {key: value for key, value in re.findall(r'^ +(\w*key|token_secret): "([0-9a-f-]{36,64})"$', config, re.M)}
        check({"key", "token_secret"} <= set(secrets), f"secrets: {secrets}")
        for key, value in secrets.items():
            check(value not in done.stdout + done.stderr, f"{key} was said")
            for entry in lab.journal.find():
                check(value not in json.dumps(entry.values) + entry.path, f"{key} is in {entry.path}")
    check(lab.secret not in done.stdout + done.stderr, "the deployer's secret was said")
    for options in lab.guests().values():
        check(part(lab.seen["cp1"][1], "ca_key") not in json.dumps(options), "a secret in a guest's configuration")


# ---- what is missing ----

@case
def each_missing_right(lab):
    lab.journal.clear()
    for path, privileges in lab.rights.items():
        for privilege in privileges.split():
            if privilege in ("Datastore.Allocate", "VM.Config.HWType"):
                continue
            lab.give({**lab.rights, path: " ".join(word for word in privileges.split() if word != privilege)})
            done = exited(lab.deploy(), TARGET)
            check(privilege in done.stderr and path in done.stderr, f"{privilege} on {path}: {done.stderr}")
            same(changes(lab), [], f"changes without {privilege}")
    lab.give(lab.rights)
    exited(lab.deploy())
    assert_ready(lab)


@case
def all_that_is_missing_at_once(lab):
    lab.cluster.storages["local"]["content"] = "vztmpl,import"
    del lab.cluster.acl.roles["NodekilnPeer"]
    lab.give({**lab.rights, "/sdn/zones/localnetwork/vmbr0": ""})
    done = exited(lab.deploy(), TARGET)
    for word in ("SDN.Use", "pvesm set local --content vztmpl,import,iso", "pveum role add NodekilnPeer --privs 'VM.Audit'"):
        check(word in done.stderr, f"{word} is not in: {done.stderr}")
    same(lab.nodes(), {}, "guests")


def refused(lab, word, code=TARGET, options=(), **more):
    """In a dry run and without; nothing is made."""
    lab.journal.clear()
    for dry in ("--dry-run",), ():
        done = exited(lab.deploy(*dry, *options, file=lab.cluster_file(**more)), code)
        check(word in done.stderr, f"{word} is not in: {done.stderr}")
    same(changes(lab), [], "changes")


@case
def what_would_fail_halfway(lab):
    """It is known before anything is made."""
    lab.add_vm(300, status="stopped")
    nodes = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker", "vmid": 300}]
    refused(lab, "node 'w1': VMID 300 is already that of another guest", nodes=nodes)
    lab.add_vm(301, pool="k8s", status="stopped")
    refused(lab, "VMID 301", nodes=[{**nodes[0], "vmid": 301}, {**nodes[1], "vmid": 302}])
    refused(lab, "node 'w1': its disk of 32 MiB is smaller than that of template 100, 64 MiB", nodes=[nodes[0], {**nodes[1], "vmid": 302, "disk": "32M"}])
    refused(lab, "more.tar.zst", RECIPE, nodes=[nodes[0], {**nodes[1], "vmid": 302, "kind": "lxc"}], container="more.tar.zst")
    (lab.work / "more.tar.zst").write_bytes(b"no image")
    refused(lab, "more.tar.zst does not end as", RECIPE, nodes=[nodes[0], {**nodes[1], "vmid": 302, "kind": "lxc"}], container="more.tar.zst")
    make_base(lab.work / "more.tar.zst")
    (lab.work / "more.manifest.json").write_text(json.dumps({"versions": {"kubernetes": "1.20.2"}}))
    refused(lab, "has Kubernetes 1.20.2, which does not run in an unprivileged container", nodes=[nodes[0], {**nodes[1], "vmid": 302, "kind": "lxc"}],
            container="more.tar.zst")


@case
def storages_without_linked_clones(lab):
    lab.add_storage("vg", "images,rootdir", kind="lvm")
    lab.give({**lab.rights, "/storage/vg": lab.rights["/storage/local-lvm"]})
    target = lab.target(storages={"import": "local", "vztmpl": "local", "disks": "vg"})
    exited(lab.publish(Image(lab.work / "more", name="thick", ct=False), target=target))
    refused(lab, "storage vg of template 101 on pve1 is of type lvm, which cannot make linked clones; make full ones (--full)", template="thick")
    exited(lab.deploy("--full", file=lab.cluster_file(template="thick")))
    assert_ready(lab)


@case
def without_the_right_to_delete(lab):
    """Seeds are overwritten: what was secret is gone."""
    lab.give({**lab.rights, "/storage/local": "Datastore.AllocateSpace Datastore.AllocateTemplate"})
    done = exited(lab.deploy())
    check("pvesm free local:iso/nodekiln_lab_cp1_" in done.stderr and "Datastore.Allocate" in done.stderr, done.stderr)
    for volid in lab.seeds():
        same(Path(lab.volumes.find(volid, "pve1").file).read_bytes(), bytes(BLANK), volid)
    same(lab.tokens(), [], "tokens")
    lab.journal.clear()
    exited(lab.deploy())
    same(changes(lab), [], "changes")
    done = exited(lab.destroy())
    same(lab.nodes(), {}, "guests")
    left = lab.seeds()
    for volid in left:
        check(f"{volid} stays on pve1, overwritten" in done.stdout and f"pvesm free {volid}" in done.stdout, done.stdout)
    check(len(left) == 2 and "nothing else is left" in done.stdout, done.stdout)
    exited(lab.deploy())
    same(lab.seeds(), left, "the same seeds, used again")
    exited(lab.destroy())
    check((lab.work / "lab.secrets").exists(), "the key of their names has gone")
    lab.give({**lab.rights, "/storage/local": "Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Allocate"})
    check("nothing is left" in exited(lab.destroy()).stdout, "the end")
    gone(lab)
    check(not (lab.work / "lab.secrets").exists(), "the secrets are still there")


@case
def ready_and_stopped(lab):
    """A user has switched a node off."""
    exited(lab.deploy())
    lab.stop_guest(lab.cluster.guests[102])
    check("start VM 102 w1 on pve1 (it is ready, but stopped)" in exited(lab.deploy("--dry-run")).stdout, "the plan")
    exited(lab.deploy())
    lab.troubles.clear()  # its agent has nothing to do
    assert_ready(lab)


@case
def networks_of_new_nodes_alone(lab):
    """An earlier version made them, and it may be what is wrong with them."""
    nodes = [{"name": "cp1", "role": "init", "address": "10.244.0.5/24", "gateway": "10.244.0.1"}]
    refused(lab, "is inside networking.pod_subnet 10.244.0.0/16", RECIPE, nodes=nodes)
    exited(lab.deploy(file=lab.cluster_file(nodes, config={})))
    exited(lab.deploy(file=lab.cluster_file(nodes)))
    more = [*nodes, {"name": "w1", "role": "worker", "address": "10.244.0.5/24", "gateway": "10.244.0.1"}]
    refused(lab, "node 'w1': the address 10.244.0.5/24 is inside", RECIPE, nodes=more)
    exited(lab.destroy(file=lab.cluster_file(more)))
    gone(lab)


@case
def disks_of_an_earlier_life(lab):
    """A disk with the guest's number that it does not name is not removed with it; one that was detached is."""
    lab.volumes.add("local-lvm:vm-101-disk-7", "pve1", "images", "raw", 1 << 20, vmid=101)
    exited(lab.deploy())
    lab.volumes.add("local-lvm:vm-102-disk-8", "pve1", "images", "raw", 1 << 20, vmid=102)
    lab.edit(102, unused0="local-lvm:vm-102-disk-8")
    exited(lab.destroy())
    same([volid for volid in lab.disks() if "-100-" not in volid], ["local-lvm:vm-101-disk-7"], "disks that are left")


@case
def roles_are_enough(lab):
    """The agents' user, and where seeds go, are said once: in the target."""
    lab.agent_user = "robots@pve"
    lab.add_storage("discs", "backup")
    storages = {"import": "local", "vztmpl": "local", "disks": "local-lvm", "seeds": "discs"}
    for role in ("NodekilnAgent", "NodekilnPeer"):
        del lab.cluster.acl.roles[role]
    lab.use_roles(lab.target(agent_user=lab.agent_user, storages=storages))
    done = exited(lab.deploy())
    check("pvesm free discs:iso/nodekiln_lab_cp1_" in done.stderr, done.stderr)
    same(lab.tokens(), [], "tokens")
    check("robots@pve!kiln_lab_cp1" in lab.seen["cp1"][0]["token_id"], f"{lab.seen}")
    exited(lab.destroy())
    same(lab.nodes(), {}, "guests")


@case
def storages_of_their_own(lab):
    """A guest's disk and seed go where its node has space for them."""
    lab.cluster.storages["local"]["nodes"] = lab.cluster.storages["local-lvm"]["nodes"] = ["pve1"]
    lab.add_storage("tank", "images,rootdir", kind="zfspool", nodes=["pve2"])
    lab.add_storage("files", "iso,vztmpl,import", nodes=["pve2"])
    lab.give({**lab.rights, "/storage/tank": lab.rights["/storage/local-lvm"], "/storage/files": lab.rights["/storage/local"]})
    own = {"import": "files", "vztmpl": "files", "disks": "tank"}
    target = lab.target(nodes=["pve1", {"name": "pve2", "storages": own}])
    exited(lab.publish(Image(lab.work / "more", ct=False), target=target))
    lab.journal.clear()
    nodes = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker", "node": "pve2"}]
    exited(lab.deploy("--full", file=lab.cluster_file(nodes)))
    disks = [options["scsi0"].split(":")[0] for options in assert_ready(lab).values()]
    uploads = [entry.path.split("/")[4] for entry in lab.journal.find("POST", "/upload", 200)]
    same((sorted(disks), sorted(uploads)), (["local-lvm", "tank"], ["files", "local"]), "storages")
    exited(lab.destroy())
    gone(lab)


@case
def no_template(lab):
    done = exited(lab.deploy(file=lab.cluster_file(template="nope")), TARGET)
    check("no template nope" in done.stderr and "nodekiln publish" in done.stderr, done.stderr)
    exited(lab.deploy(file=lab.cluster_file(template="100")))
    assert_ready(lab)


@case
def wrong_files(lab):
    for more, word in (({"cluster": "L_b"}, "DNS label"), ({"nodes": [{"name": "w1", "role": "worker"}]}, "role init"),
                       ({"nodes": [{"name": "a", "role": "init", "node": "pve9"}]}, "pve9"), ({"nope": 1}, "unknown key 'nope'"),
                       ({"config": {"token": "x"}}, "deploy writes itself"), ({"config": {"networking": {"pod_subnet": "x"}}}, "pod_subnet"),
                       ({"nodes": [{"name": "a", "role": "init"}, {"name": "a", "role": "worker"}]}, "twice")):
        done = exited(lab.deploy(file=lab.cluster_file(**more)), RECIPE)
        check(word in done.stderr, f"{more}: {done.stderr}")
    same(lab.nodes(), {}, "guests")


if __name__ == "__main__":
    case.main()
