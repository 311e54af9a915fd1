#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Another tenant of the same Proxmox VE, Mallory, against the strict fake: Mallory reads the pool and writes notes, tags and name of a
guest of their own. No line that is forged there makes publish, deploy or destroy act on the guest, or believe it.
forged.py [PATTERN] runs the cases whose name has PATTERN in it."""
import json
import re
import shutil

from harness.cases import check, exited, same
from harness.deploy_env import assert_ready, cases, gone
from harness.pve_env import TARGET, Image
from pve.raw import Client

MINE, MINE_TOO = 150, 160  # Mallory's guest and template
THREE = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker"}, {"name": "cp2", "role": "control-plane"}]
IMAGE = "debian-12-k8s"
case = cases("forged")


# ---- Mallory ----

def mallory(lab, vmid=MINE, **options):
    """Mallory's guest, and a client with Mallory's rights."""
    options = {"name": "tenant", "status": "stopped", "scsi0": f"local-lvm:vm-{vmid}-disk-0,size=40G",
               "smbios1": "uuid=11111111-1111-1111-1111-111111111111", **options}
    lab.add_vm(vmid, pool="k8s", **options)
    lab.add_role("Tenant", "VM.Audit VM.Config.Options")
    lab.add_role("Reader", "VM.Audit")
    lab.add_user("mallory@pve")
    lab.grant(f"/vms/{vmid}", "Tenant", "mallory@pve")
    lab.grant("/pool/k8s", "Reader", "mallory@pve")
    return Client(lab, lab.add_token("mallory@pve", "tok", privsep=0))


def line_of(client, vmid, word):
    """What Mallory reads in the notes of another guest."""
    notes = client("GET", f"/nodes/pve1/qemu/{vmid}/config").data["description"]
    return re.search(rf"^{word}: ({{.*}})$", notes, re.MULTILINE)[1]


def forge(line, drop=(), **changes):
    fields = {key: value for key, value in {**json.loads(line), **changes}.items() if key not in drop}
    return json.dumps(fields, separators=(",", ":"))


def write(client, word, line, vmid=MINE, **more):
    reply = client("PUT", f"/nodes/pve1/qemu/{vmid}/config", {"description": f"{word}: {line}", **more})
    same(reply.status, 200, "Mallory writes the notes")


def untouched(lab, vmid, before):
    """Nothing but Mallory has written to the guest."""
    same(lab.config(vmid), before, f"guest {vmid}")
    own = [(entry.method, entry.path) for entry in lab.journal.find()
           if entry.method != "GET" and f"/{vmid}" in entry.path and "nodekiln@pve" in str(entry.headers)]
    same(own, [], f"requests for guest {vmid}")
    check(not lab.cluster.guests[vmid].running, f"guest {vmid} was started")


def vmid_of(lab, name):
    return next(vmid for vmid, options in lab.nodes().items() if options.get("name") == name)


def nodes(lab):
    """Guests that deploy has made."""
    return {vmid: options for vmid, options in lab.nodes().items() if vmid not in (MINE, MINE_TOO)}


# ---- deploy ----

def attack_seed(lab, drop, **changes):
    exited(lab.deploy())
    client = mallory(lab)
    line = forge(line_of(client, vmid_of(lab, "cp1"), "nodekiln-deploy"), drop, **changes)
    write(client, "nodekiln-deploy", line, tags="nodekiln.cluster.lab")
    before = lab.config(MINE)
    done = exited(lab.deploy(file=lab.cluster_file(THREE)))
    untouched(lab, MINE, before)
    check(lab.seen["cp2"][0]["vmid"] != str(MINE), "Mallory's guest got the seed")
    same(sorted(options["name"] for options in nodes(lab).values()), ["cp1", "cp2", "w1"], "nodes")
    return done


@case
def attach_to_a_line_with_the_mac_of_another(lab):
    done = attack_seed(lab, (), node="cp2", vmid=MINE)
    check(f"guest {MINE} on pve1 says that it is node cp2 of cluster lab, but nothing proves it" in done.stderr, done.stderr)


@case
def attach_to_a_line_as_older_versions_wrote_it(lab):
    attack_seed(lab, ("mac", "kind", "image"), node="cp2", vmid=MINE)


@case
def attach_to_the_vmid_of_a_guest_that_is_gone(lab):
    """An administrator has removed w1 by hand, and Mallory, who has read w1's notes, has a new guest with its VMID."""
    exited(lab.deploy())
    w1 = vmid_of(lab, "w1")
    notes = lab.config(w1)["description"]
    lab.drop(w1)
    client = mallory(lab, w1)
    write(client, "People's words\n" + notes, "", w1, tags="nodekiln.cluster.lab")
    lab.journal.clear()
    before = lab.config(w1)
    exited(lab.deploy())
    untouched(lab, w1, before)
    check(lab.seen["w1"][0]["vmid"] != str(w1), "Mallory's guest got the seed")


@case
def a_name_that_is_taken_stops_only_what_is_new(lab):
    """The first deployment asks; see attach_ for those that follow."""
    client = mallory(lab)
    write(client, "nodekiln-deploy", json.dumps({"cluster": "lab", "node": "cp1", "vmid": MINE, "key": "0" * 12}), tags="nodekiln.cluster.lab")
    before = lab.config(MINE)
    done = exited(lab.deploy(), TARGET)
    check(f"guest {MINE} on pve1 says so" in done.stderr and "give this cluster another name" in done.stderr, done.stderr)
    untouched(lab, MINE, before)
    same(nodes(lab), {}, "guests")


# ---- destroy ----

@case
def destroy_spares_forged_lines(lab):
    exited(lab.deploy())
    client = mallory(lab)
    for drop, changes in (((), {"node": "w1"}), (("mac",), {"node": "w1"}), ((), {})):
        line = forge(line_of(client, vmid_of(lab, "cp1"), "nodekiln-deploy"), drop, vmid=MINE, **changes)
        write(client, "nodekiln-deploy", line, tags="nodekiln.cluster.lab")
        before = lab.config(MINE)
        plan = exited(lab.run("destroy", "--dry-run")).stdout
        check(f" {MINE} " not in plan, plan)
    done = exited(lab.destroy())
    check(f"guest {MINE} on pve1 says that it is node cp1 of cluster lab, but nothing proves it: it stays" in done.stderr, done.stderr)
    untouched(lab, MINE, before)
    same(nodes(lab), {}, "guests of the cluster")


@case
def destroy_without_secrets_proves_nothing(lab):
    exited(lab.deploy())
    client = mallory(lab)
    write(client, "nodekiln-deploy", forge(line_of(client, vmid_of(lab, "cp1"), "nodekiln-deploy"), vmid=MINE), tags="nodekiln.cluster.lab")
    (lab.work / "lab.secrets").unlink()
    before = lab.guests()
    done = exited(lab.destroy(), TARGET)
    check("knows no guest of cluster lab" in done.stderr and "--secrets" in done.stderr, done.stderr)
    same(lab.guests(), before, "guests")


# ---- the template that is cloned ----

def attack_clone(lab, client_writes, **options):
    template = next(iter(lab.guests()))
    client = mallory(lab, MINE_TOO, template=1, scsi0=f"local-lvm:base-{MINE_TOO}-disk-0,size=8G", **options)
    client_writes(client, template)
    exited(lab.deploy("--full"))
    clones = {entry.path.split("/")[-2] for entry in lab.journal.find("POST", "/clone")}
    same(clones, {str(template)}, "what was cloned")


@case
def clone_by_name(lab):
    attack_clone(lab, lambda *_: None, name=IMAGE)


@case
def clone_of_the_newest(lab):
    """The digests are those of the publisher's template, or others; all with its mac, or with none."""
    def forge_all(client, template):
        line = line_of(client, template, "nodekiln-template")
        write(client, "nodekiln-template", forge(line, vmid=MINE_TOO, published="9999-01-01T00:00:00Z"), MINE_TOO, tags="nodekiln")
    attack_clone(lab, forge_all)


@case
def clone_of_a_line_as_older_versions_wrote_it(lab):
    def forge_old(client, template):
        line = forge(line_of(client, template, "nodekiln-template"), ("mac", "node", "pool", "uuid", "ct"), vmid=MINE_TOO,
                     published="9999-01-01T00:00:00Z")
        write(client, "nodekiln-template", line, MINE_TOO, tags="nodekiln")
    attack_clone(lab, forge_old)


@case
def what_is_cloned_is_said(lab):
    image = Image(lab.work / "again", ct=False)
    for command in (["--dry-run"], []):
        done = exited(lab.deploy(*command))
        check(f"VM 100 {image.stem()}, sha256 {image.sha256('qcow2')}, published 20" in done.stdout + done.stderr, done.stdout + done.stderr)


@case
def clone_of_an_ambiguous_name(lab):
    exited(lab.publish(Image(lab.work / "other", name="debian-12-k8s-b", seed="b", ct=False)))
    done = exited(lab.deploy(file=lab.cluster_file(template=None)), TARGET)
    check("more than one template" in done.stderr and "VM 100" in done.stderr and "VM 101" in done.stderr, done.stderr)
    exited(lab.deploy())
    assert_ready(lab)


# ---- publish ----

def forged_copy(lab, **changes):
    """Mallory's template, with the line of the publisher's: (its configuration, the publisher's VMID, the image)."""
    template = next(iter(lab.guests()))
    theirs = lab.config(template)
    client = mallory(lab, MINE_TOO, template=1, name=theirs["name"])
    line = forge(line_of(client, template, "nodekiln-template"), vmid=MINE_TOO, **changes)
    write(client, "nodekiln-template", line, MINE_TOO, tags=theirs["tags"])
    lab.journal.clear()
    return lab.config(MINE_TOO), template, Image(lab.work / "again", ct=False)


@case
def publish_believes_no_copy(lab):
    before, template, image = forged_copy(lab)
    lab.drop(template)
    done = exited(lab.publish(image))
    check(f"VM {MINE_TOO} says that it is a template of {IMAGE}, but is not signed with" in done.stderr, done.stderr)
    untouched(lab, MINE_TOO, before)
    same([options["template"] for vmid, options in lab.guests().items() if vmid != MINE_TOO], ["1"], "published")
    check(f"VM {MINE_TOO}" not in done.stdout, done.stdout)


@case
def publish_follows_no_unfinished_copy(lab):
    """One with a lower VMID makes a publisher remove its own and finish the other."""
    before, template, image = forged_copy(lab, state="unfinished")
    lab.drop(template)
    target = lab.target("high.yaml", vmids={"from": 200, "to": 299})
    done = exited(lab.publish(image, target=target))
    untouched(lab, MINE_TOO, before)
    check("pve1: VM 200 " in done.stdout, done.stdout)


@case
def replace_spares_forged_copies(lab):
    before, template, image = forged_copy(lab)
    exited(lab.publish(image, "--replace"))
    untouched(lab, MINE_TOO, before)
    check(template not in lab.guests(), "the publisher's own was not replaced")


@case
def retain_spares_forged_copies(lab):
    before, template, _ = forged_copy(lab, published="2001-01-01T00:00:00Z", sha256="e" * 64, version="1.19.0")
    exited(lab.publish(Image(lab.work / "new", version="1.20.3", seed="new", ct=False), "--retain", "1"))
    untouched(lab, MINE_TOO, before)
    check(template not in lab.guests(), "the older version of the publisher")


@case
def retain_counts_no_forged_copies(lab):
    """Versions that are newer by what their notes say do not drive out those that are kept."""
    before, template, _ = forged_copy(lab, published="9999-01-01T00:00:00Z", sha256="e" * 64, version="1.29.0")
    exited(lab.publish(Image(lab.work / "new", version="1.20.3", seed="new", ct=False), "--retain", "2"))
    untouched(lab, MINE_TOO, before)
    check(template in lab.guests(), "the older version of the publisher was removed")


@case
def retain_spares_files_of_others(lab):
    """A file's name says nothing about who has uploaded it."""
    theirs = f"local:vztmpl/{IMAGE}-1.19.0-{'e' * 12}.tar.zst"
    lab.volumes.add(theirs, "pve1", "vztmpl", "tzst", 1).ctime = 1000
    exited(lab.publish(Image(lab.work / "old", version="1.20.2", seed="old")))
    exited(lab.publish(Image(lab.work / "new", version="1.20.3", seed="new"), "--retain", "1"))
    files = [file for file in lab.files() if ":vztmpl/" in file]
    same(len(files), 2, f"files {files}")
    check(theirs in files and "-1.20.3-" in files[1], f"files: {files}")


# ---- what is ours and is not proven any more ----

def as_older_versions_made_it(lab):
    """Lines without a mac, and a file of secrets without the key and the guests."""
    for vmid, options in lab.nodes().items():
        line = re.search(r"nodekiln-deploy: ({.*})", options["description"])[1]
        lab.edit(vmid, description=options["description"].replace(line, forge(line, ("mac", "kind", "image"))))
    secrets = lab.work / "lab.secrets"
    secrets.write_text("".join(row for row in secrets.read_text().splitlines(True) if re.match(r"#|\"lab\"|  (token|certificate_key):", row)))


@case
def a_cluster_of_an_older_version_is_adopted(lab):
    exited(lab.deploy(file=lab.cluster_file(pki="kubeadm")))
    before = set(lab.nodes())
    as_older_versions_made_it(lab)
    lab.journal.clear()
    done = exited(lab.deploy(), TARGET)
    check("--adopt cp1=101" in done.stderr, done.stderr)
    done = exited(lab.destroy(), TARGET)
    check("knows no guest of cluster lab" in done.stderr and "--adopt cp1=101" in done.stderr, done.stderr)
    done = exited(lab.deploy("--adopt", "cp1=101"), 2)
    check("name all of the cluster's guests in one call (--adopt w1=102)" in done.stderr, done.stderr)
    plan = exited(lab.deploy("--adopt", "cp1=101", "--adopt", "w1=102", "--dry-run")).stdout
    check("adopt guest 101 on pve1 as node cp1" in plan, plan)
    same([entry.path for entry in lab.journal.find() if entry.method != "GET"], [], "changes")
    nodes = [{"name": "cp1", "role": "init", "vmid": 101}, {"name": "w1", "role": "worker", "vmid": 102}]
    done = exited(lab.deploy("--adopt", "w1=102", file=lab.cluster_file(nodes)), TARGET)
    check("or adopt the guest when it is this node (--adopt cp1=101)" in done.stderr and "w1=102" not in done.stderr, done.stderr)
    exited(lab.deploy("--adopt", "cp1=101", "--adopt", "w1=102", file=lab.cluster_file(nodes)))
    same(set(assert_ready(lab)), before, "guests")
    lab.journal.clear()
    exited(lab.deploy(file=lab.cluster_file(nodes)))
    same([entry.path for entry in lab.journal.find() if entry.method != "GET"], [], "changes after that")
    exited(lab.destroy())
    gone(lab)


@case
def a_template_of_an_older_version(lab):
    notes = lab.config(100)["description"]
    line = re.search(r"nodekiln-template: ({.*})", notes)[1]
    lab.edit(100, description=notes.replace(line, forge(line, ("mac", "node", "pool", "uuid", "ct"))))
    done = exited(lab.deploy(), TARGET)
    check("VM 100 does not count: its notes are not signed with the target's key; publish the image again" in done.stderr, done.stderr)
    digest = Image(lab.work / "again", ct=False).sha256("qcow2")
    exited(lab.deploy(file=lab.cluster_file(template_sha256=digest)), TARGET)
    named = {"template": "100", "template_sha256": digest}
    done = exited(lab.deploy(file=lab.cluster_file(**named)), TARGET)
    check("Pool.Audit" in done.stderr, done.stderr)
    lab.give({**lab.rights, "/pool/k8s": lab.rights["/pool/k8s"] + " Pool.Audit"})
    exited(lab.deploy(file=lab.cluster_file(**{**named, "template_sha256": "f" * 64})), TARGET)
    exited(lab.deploy(file=lab.cluster_file(**named)))
    assert_ready(lab)


@case
def the_key_of_a_target(lab):
    """It is made once, is private, and another one knows nothing of what this one has signed."""
    key = lab.work / "nodekiln-notes.key"
    same(key.stat().st_mode & 0o777, 0o600, "mode of the key")
    exited(lab.deploy())
    for options in lab.guests().values():
        check(key.read_text().strip() not in json.dumps(options), "the key is in a guest's configuration")
    key.chmod(0o644)
    check("can be read by others" in exited(lab.deploy(), 2).stderr, "a key that others can read")
    key.chmod(0o600)
    shutil.move(key, lab.work / "kept")
    check("are not signed" in exited(lab.deploy(), TARGET).stderr, "without the key")
    done = exited(lab.publish(Image(lab.work / "again", ct=False)))
    check("nodekiln-notes.key was made" in done.stderr and "VM 100 says that it is a template" in done.stderr, done.stderr)
    target = lab.target("env.yaml", notes_key_env="NOTES_KEY")
    done = exited(lab.publish(Image(lab.work / "again", ct=False), target=target, env={"NOTES_KEY": (lab.work / "kept").read_text()}))
    check("VM 100" in done.stdout and "was there" in done.stdout, done.stdout)
    check("has no NOTES_KEY" in exited(lab.publish(Image(lab.work / "again", ct=False), target=target), 3).stderr, "without it")


@case
def a_workers_root_removes_its_line(lab):
    """It is neither made a second time, nor removed, nor does it hide the others; the user decides."""
    exited(lab.deploy())
    w1 = vmid_of(lab, "w1")
    notes = lab.config(w1)["description"]
    lab.edit(w1, description=re.sub(r"nodekiln-deploy: .*", "", notes))
    lab.journal.clear()
    done = exited(lab.deploy(), TARGET)
    check(f"guest {w1} on pve1 is node w1 of cluster lab, but the signed line in its notes was changed or removed" in done.stderr, done.stderr)
    same([entry.path for entry in lab.journal.find() if entry.method != "GET"], [], "changes")
    exited(lab.deploy("--adopt", f"w1={w1}"))
    assert_ready(lab)
    lab.edit(w1, description=re.sub(r"nodekiln-deploy: .*", "", notes))
    done = exited(lab.destroy(), TARGET)
    check(f"guest {w1} on pve1 stays: it seems to be node w1" in done.stderr, done.stderr)
    same(sorted(lab.guests()), [100, w1], "guests")


@case
def an_old_copy_of_the_secrets(lab):
    """The file does not know a node that was made later: it is not made again."""
    exited(lab.deploy())
    old = (lab.work / "lab.secrets").read_text()
    exited(lab.deploy(file=lab.cluster_file(THREE)))
    before = lab.guests()
    (lab.work / "lab.secrets").write_text(old)
    done = exited(lab.deploy(file=lab.cluster_file(THREE)), TARGET)
    check("the file of secrets does not know it" in done.stderr and "--adopt cp2=103" in done.stderr, done.stderr)
    done = exited(lab.destroy(file=lab.cluster_file(THREE)), TARGET)
    check("guest 103 on pve1 stays" in done.stderr, done.stderr)
    same(lab.guests()[103], before[103], "the guest")


if __name__ == "__main__":
    case.main()
