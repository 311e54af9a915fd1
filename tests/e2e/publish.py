#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nodekiln publish against the strict fake, as Proxmox VE 8 and as 9, with no right more than `nodekiln roles` gives.
publish.py [PATTERN] runs the cases whose name has PATTERN in it."""
import json
import time

from harness.cases import check, exited, same
from harness.publish_cases import cases, changes, nothing, published
from harness.pve_env import NETWORK, RECIPE, SPACE, TARGET, TOKEN, TRUST, Image
from pve.certificates import Certificates
from pve.server import NAMES

UPLOAD = "/upload$"
case = cases("publish")


# ---- the way it should be ----

@case
def happy(cloud, image):
    done = exited(cloud.publish(image))
    vmid, = published(cloud, image)
    options = cloud.config(vmid)
    for key, wanted in {"scsihw": "virtio-scsi-single", "serial0": "socket", "vga": "serial0", "agent": "enabled=1", "ostype": "l26",
                        "boot": "order=scsi0"}.items():
        same(options[key], wanted, key)
    check("discard=on,iothread=1" in options["scsi0"] and "cloudinit" in options["scsi1"], f"drives: {options}")
    check("bios" not in options, "UEFI without being asked")
    check(f"pve1: VM {vmid} {image.stem()}" in done.stdout, done.stdout)
    create, = cloud.journal.find("POST", "/nodes/pve1/qemu", 200)[:1]
    check("tags" not in create.values and '"state":"unfinished"' in create.values["description"], f"create: {create.values}")
    upload = cloud.journal.find("POST", "/upload", 200)
    same([(entry.values["content"], entry.values["checksum-algorithm"]) for entry in upload], [("vztmpl", "sha256"), ("import", "sha256")],
         "uploads")
    names = {name.lower() for entry in upload for name, _ in entry.headers}
    check("expect" not in names and "transfer-encoding" not in names and "content-length" in names, f"headers: {names}")


@case
def again_does_nothing(cloud, image):
    exited(cloud.publish(image))
    cloud.journal.clear()
    done = exited(cloud.publish(image))
    same(changes(cloud), [], "changes")
    check("was there" in done.stdout, done.stdout)


@case
def dry_run(cloud, image):
    done = exited(cloud.publish(image, "--dry-run"))
    same(changes(cloud), [], "changes")
    for word in ("upload local:import/", "create VM", "tag VM", "a template", "as ready"):
        check(word in done.stdout, done.stdout)
    exited(cloud.publish(image))
    check("nothing to do" in exited(cloud.publish(image, "--dry-run")).stdout, "a plan for what is there")


@case
def uefi(cloud, image):
    exited(cloud.publish(image, "--firmware", "uefi"))
    vmid, = cloud.guests()
    options = cloud.config(vmid)
    same((options["bios"], options["machine"], options["name"]), ("ovmf", "q35", image.stem() + "-uefi"), "the guest")
    check("efitype=4m" in options["efidisk0"] and "pre-enrolled-keys=0" in options["efidisk0"], options["efidisk0"])
    exited(cloud.publish(image))
    published(cloud, image, templates=2)


@case
def only_a_container(cloud, image):
    cloud.give({"/storage/local": cloud.rights["/storage/local"]})
    exited(cloud.publish(image, "--only", "ct"))
    same((cloud.guests(), cloud.files()), ({}, [f"local:vztmpl/{image.stem('tar.zst')}.tar.zst"]), "what is there")


@case
def events(cloud, image):
    done = exited(cloud.publish(image, "--json"))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    same(lines[-1]["event"], "result", "the last event")
    node, = lines[-1]["result"]["nodes"]
    same((node["node"], node["vmid"], node["changed"]), ("pve1", published(cloud, image)[0], True), "the result")
    phases = {line["phase"] for line in lines if line["event"] == "end"}
    check({"upload-vm.pve1", "upload-ct.pve1", "create.pve1"} <= phases, f"phases: {phases}")
    cloud.give({})
    done = exited(cloud.publish(image, "--json"), TARGET)
    same(json.loads(done.stdout.splitlines()[-1])["code"], TARGET, "the failure's code")


@case
def secrets_stay_secret(cloud, image):
    cloud.faults.answer(500, "something broke", path="/qemu$", method="POST")
    done = cloud.publish(image, "--verbose")
    check(cloud.secret not in done.stdout + done.stderr, "the secret was said")
    for entry in cloud.journal.find():
        check(cloud.secret not in json.dumps(entry.values) + entry.path, f"the secret is in {entry.path}")
    target = cloud.target("env.yaml", token_secret_file=None, token_secret_env="KILN_TOKEN")
    exited(cloud.publish(image, target=target, env={"KILN_TOKEN": cloud.secret}))
    exited(cloud.publish(image, target=target), RECIPE)
    exited(cloud.publish(image, target=target, env={"KILN_TOKEN": "wrong"}), RECIPE)


@case
def trust(cloud, image):
    other = cloud.work / "other"
    Certificates(other, cloud.version, NAMES)
    done = exited(cloud.publish(image, target=cloud.target("wrong.yaml", ca=str(other / "ca.pem"))), TRUST)
    check("not trusted" in done.stderr, done.stderr)
    same(cloud.journal.find(), [], "requests of a client that does not trust the server")
    for done in done, exited(cloud.publish(image, target=cloud.target("wrong.yaml", ca=None, fingerprints=["AB" * 32])), TRUST):
        for word in "name the CA that signed it (`ca`, /etc/pve/pve-root-ca.pem", "the certificate itself (`fingerprints`, as `pvenode cert info`":
            check(word in done.stderr, f"no '{word}' in: {done.stderr}")
    exited(cloud.publish(image, target=cloud.target("pin.yaml", ca=None, fingerprints=[cloud.fingerprint])))


# ---- what is missing ----

@case
def each_missing_right(cloud, image):
    for path, privileges in cloud.rights.items():
        for privilege in privileges.split():
            less = " ".join(word for word in privileges.split() if word != privilege)
            cloud.give({**cloud.rights, path: less})
            cloud.journal.clear()
            done = exited(cloud.publish(image), TARGET)
            check(privilege in done.stderr and path in done.stderr and f"pveum acl modify {path} " in done.stderr, done.stderr)
            same(changes(cloud), [], f"changes without {privilege}")
    nothing(cloud)
    cloud.give(cloud.rights)
    exited(cloud.publish(image))


@case
def roles_are_enough(cloud, image):
    cloud.use_roles(cloud.target())
    exited(cloud.publish(image))
    published(cloud, image)


@case
def all_that_is_missing_at_once(cloud, image):
    cloud.give({"/storage/local": "Datastore.AllocateSpace"})
    cloud.cluster.storages["local"].update(content="iso,vztmpl", used=100 << 30)
    done = exited(cloud.publish(image), TARGET)
    for word in ("Datastore.AllocateTemplate", "VM.Allocate", "SDN.Use", "/storage/local-lvm", "pvesm set local --content iso,vztmpl,import",
                 "0 B free"):
        check(word in done.stderr, f"{word} is not in: {done.stderr}")
    nothing(cloud)


@case
def wrong_content_type(cloud, image):
    cloud.cluster.storages["local"]["content"] = "iso,vztmpl,backup"
    done = exited(cloud.publish(image), TARGET)
    check("pvesm set local --content iso,vztmpl,backup,import" in done.stderr, done.stderr)
    exited(cloud.publish(image, "--only", "ct"))


@case
def what_a_storage_lacks(cloud, image):
    """All of it in one command, and once for both nodes; what its type cannot have is named so."""
    target = cloud.target(nodes=["pve1", "pve2"], storages={"import": "nas", "vztmpl": "nas", "disks": "nas"})
    cloud.add_storage("nas", "images", kind="nfs", shared=1)
    cloud.give({**cloud.rights, "/storage/nas": "Datastore.AllocateSpace Datastore.AllocateTemplate"})
    done = exited(cloud.publish(image, target=target), TARGET)
    check("'import', 'vztmpl'; as root on a node: pvesm set nas --content images,import,vztmpl " in done.stderr, done.stderr)
    check("missing:" not in done.stderr and done.stderr.count("pvesm") == 1, f"more than once: {done.stderr}")
    cloud.cluster.storages["nas"].update(content="images,import,vztmpl", total=1000)
    done = exited(cloud.publish(image, target=target), SPACE)
    same(done.stderr.count("storage nas has "), 1, done.stderr)
    cloud.cluster.storages["nas"].update(content="images,rootdir", type="lvmthin")
    done = exited(cloud.publish(image, target=target), TARGET)
    check("which never accepts 'import'" in done.stderr and "pvesm" not in done.stderr, done.stderr)
    nothing(cloud)


@case
def a_bridge_that_is_not_there(cloud, image):
    """9 refuses to start guests, 8 starts them without a network: before that, gigabytes are uploaded."""
    target = cloud.target(bridge="vmbr7", nodes=["pve1", "pve2"])
    cloud.cluster.nodes["pve2"]["bridges"] = ["vmbr0", "vmbr7"]
    cloud.give({**cloud.rights, "/sdn/zones/localnetwork/vmbr7": "SDN.Use"})
    done = exited(cloud.publish(image, target=target), TARGET)
    check("node pve1 has no bridge or VNet vmbr7; those that the token may use are: vmbr0; correct `bridge`" in done.stderr, done.stderr)
    check("pve2" not in done.stderr, done.stderr)
    same(changes(cloud), [], "changes")
    exited(cloud.publish(image, "--only", "ct", target=target))
    cloud.cluster.nodes["pve1"]["bridges"] = ["vmbr7"]
    cloud.give({**cloud.rights, "/sdn/zones/localnetwork/vmbr7/20": "SDN.Use"})
    exited(cloud.publish(image, target=cloud.target(bridge="vmbr7", vlan=20)))
    cloud.cluster.acl.vnets["vnet1"] = "zone1"
    cloud.give({**cloud.rights, "/sdn/zones/zone1/vnet1": "SDN.Use"})
    exited(cloud.publish(image, "--replace", target=cloud.target(bridge="vnet1", zone="zone1")))


@case
def storage_that_is_not_there(cloud, image):
    done = exited(cloud.publish(image, target=cloud.target(storages={"import": "local", "vztmpl": "local", "disks": "nope"})), TARGET)
    check("/storage/nope" in done.stderr, done.stderr)
    cloud.cluster.storages["local-lvm"]["active"] = 0
    check("not active" in exited(cloud.publish(image), TARGET).stderr, "an inactive storage")
    done = exited(cloud.publish(image, target=cloud.target(nodes=["pve7"])), TARGET)
    check("no node pve7" in done.stderr, done.stderr)


@case
def no_room(cloud, image):
    cloud.cluster.storages["local"].update(total=1 << 20, used=(1 << 20) - 5000)
    check("free some" in exited(cloud.publish(image), SPACE).stderr, "space")
    nothing(cloud)
    cloud.cluster.storages["local"]["used"] = 0
    cloud.cluster.storages["local-lvm"]["total"] = 1000
    check("local-lvm" in exited(cloud.publish(image), SPACE).stderr, "space of disks")


@case
def room_goes_meanwhile(cloud, image):
    cloud.faults.add("run", method="POST", path=UPLOAD, function=lambda _: cloud.cluster.storages["local"].update(total=1000))
    exited(cloud.publish(image), SPACE)
    cloud.cluster.storages["local"]["total"] = 1 << 30
    exited(cloud.publish(image))
    published(cloud, image)


@case
def room_goes_meanwhile_on_another_node(cloud, image):
    """The node that was asked sends the upload on with scp, which does not say why it failed."""
    cloud.faults.add("run", method="POST", path=UPLOAD, function=lambda _: cloud.cluster.storages["local"].update(total=1000))
    done = exited(cloud.publish(image, target=cloud.target(nodes=["pve2"])), SPACE)
    check("scp" in done.stderr and "storage local on pve2 has " in done.stderr, done.stderr)


@case
def old_versions(cloud, image):
    cloud.release = f"{cloud.version - 1}.4.1" if cloud.version == 8 else "8.3.5"
    done = exited(cloud.publish(image), TARGET)
    check("is needed" in done.stderr or "8.4" in done.stderr, done.stderr)
    nothing(cloud)


@case
def wrong_token(cloud, image):
    (cloud.work / "secret").write_text("01234567-89ab-cdef-0123-456789abcdef")
    done = exited(cloud.publish(image), TARGET)
    check("401" in done.stderr and TOKEN in done.stderr, done.stderr)
    same(len(cloud.journal.find()), 1, "questions with a token that is wrong")


@case
def nobody_there(cloud, image):
    target = cloud.target(url="https://127.0.0.1:9")
    exited(cloud.publish(image, target=target), NETWORK)


@case
def damaged_file(cloud, image):
    data = bytearray(image.files["qcow2"])
    data[-1] ^= 1
    image.path("qcow2").write_bytes(data)
    done = exited(cloud.publish(image), TRUST)
    check("the manifest says" in done.stderr, done.stderr)
    same(cloud.guests(), {}, "guests")
    image.path("qcow2").write_bytes(data[:-1])
    cloud.journal.clear()
    exited(cloud.publish(image), TRUST)
    same(changes(cloud), [], "changes for a file of the wrong size")


@case
def damaged_on_the_way(cloud, image):
    """The server's sum is wrong once: the file is not, so it is sent again."""
    from pve import calls_storage
    verify, calls = calls_storage.verify, []

    def break_once(call, task, file, algorithm, wanted):
        if call.fake is cloud and not calls:
            calls.append(file)
            with open(file, "r+b") as stream:
                stream.write(b"\xff")
        return verify(call, task, file, algorithm, wanted)
    calls_storage.verify = break_once
    try:
        done = exited(cloud.publish(image))
    finally:
        calls_storage.verify = verify
    check("damaged on its way" in done.stderr, done.stderr)
    published(cloud, image)


# ---- versions ----

def versions(cloud, count):
    images = [Image(cloud.work / f"v{i}", version=f"1.20.{i}", seed=f"v{i}") for i in range(count)]
    for image in images:
        exited(cloud.publish(image))
        for volume in cloud.volumes.known.values():
            volume.ctime -= 10  # seconds are all that the listing has
        time.sleep(1.1)
    return images


@case
def retain(cloud, image):
    cloud.give({**cloud.rights, "/storage/local": cloud.rights["/storage/local"] + " Datastore.Allocate"})
    images = versions(cloud, 3)
    same([file for file in cloud.files() if ":import/" in file], [], "uploads that were used")
    exited(cloud.publish(image, "--retain", "2"))
    published(cloud, image, templates=2)
    published(cloud, images[2], templates=2)
    same(len(cloud.files()), 2, "container templates")


@case
def retain_spares_what_is_used(cloud, image):
    images = versions(cloud, 2)
    oldest = published(cloud, images[0], templates=2)[0]
    cloud.add_vm(500, pool="k8s", scsi0=f"local-lvm:base-{oldest}-disk-0/vm-500-disk-0,size=1G")
    done = exited(cloud.publish(image, "--retain", "1"))
    check(f"VM {oldest} stays: VM 500 is a linked clone" in done.stderr, done.stderr)
    published(cloud, images[0], templates=3)
    published(cloud, image, templates=3)


@case
def retain_believes_the_server(cloud, image):
    """A linked clone that the token does not see, or a protected template."""
    images = versions(cloud, 1)
    oldest = published(cloud, images[0])[0]
    cloud.faults.answer(500, f"base volume 'local-lvm:base-{oldest}-disk-0' is still in use by linked cloned", method="DELETE", path="/qemu/")
    done = exited(cloud.publish(image, "--retain", "1"))
    check(f"VM {oldest} stays" in done.stderr, done.stderr)
    cloud.edit(oldest, protection=1)
    exited(cloud.publish(image, "--retain", "1"))
    published(cloud, images[0], templates=2)


@case
def replace(cloud, image):
    exited(cloud.publish(image))
    old, = published(cloud, image)
    cloud.journal.clear()
    exited(cloud.publish(image, "--replace"))
    new, = published(cloud, image)
    check(new != old, "it was not created again")
    same(len(cloud.journal.find("POST", "/upload", 200)), 2, "uploads")


@case
def replace_what_is_in_use(cloud, image):
    """The new one is the result, then and later; the old one is removed as soon as nothing uses it."""
    exited(cloud.publish(image))
    old, = published(cloud, image)
    cloud.add_vm(500, pool="k8s", scsi0=f"local-lvm:base-{old}-disk-0/vm-500-disk-0,size=1G")
    done = exited(cloud.publish(image, "--replace"))
    new, = set(published(cloud, image, count=2, templates=3)) - {old}
    for options in ((), ("--replace",), ()):
        check(f"VM {old} stays" in done.stderr and f"pve1: VM {new} " in done.stdout, f"{done.stdout} {done.stderr}")
        if options:  # the second one is not in use and goes
            done = exited(cloud.publish(image, *options))
            newer, = set(published(cloud, image, count=2, templates=3)) - {old}
            check(newer != new, "it was not created again")
            new = newer
        else:
            done = exited(cloud.publish(image))
            check("(was there)" in done.stdout, f"nothing was changed: {done.stdout}")
    with cloud.cluster.lock:
        cloud.volumes.free_volume(cloud.volumes.need(f"local-lvm:base-{old}-disk-0/vm-500-disk-0", "pve1"))
        cloud.cluster.remove_guest(500)
    done = exited(cloud.publish(image))
    same(published(cloud, image), [new], "the template that is left")
    check("(was there)" not in done.stdout, f"the old one was removed: {done.stdout}")


@case
def other_settings(cloud, image):
    exited(cloud.publish(image))
    cloud.add_storage("fast", "images", kind="zfspool")
    cloud.give({**cloud.rights, "/storage/fast": "Datastore.AllocateSpace"})
    target = cloud.target(storages={"import": "local", "vztmpl": "local", "disks": "fast"})
    done = exited(cloud.publish(image, target=target))
    check("--replace creates it again" in done.stderr, done.stderr)
    exited(cloud.publish(image, "--replace", target=target))
    vmid, = published(cloud, image)
    check("fast:" in cloud.config(vmid)["scsi0"], cloud.config(vmid)["scsi0"])


# ---- several nodes ----

@case
def two_nodes(cloud, image):
    target = cloud.target(nodes=["pve1", {"name": "pve2", "url": cloud.url}])
    exited(cloud.publish(image, target=target))
    first, = published(cloud, image, templates=2)
    second, = published(cloud, image, node="pve2", templates=2)
    check(first != second, "one VMID for two")
    same(len(cloud.journal.find("POST", "/upload", 200)), 4, "uploads")
    cloud.journal.clear()
    exited(cloud.publish(image, "--node", "pve2", target=target))
    same(changes(cloud), [], "changes")


@case
def two_nodes_with_one_storage(cloud, image):
    cloud.cluster.storages["local"].update(shared=1, type="nfs")
    cloud.give({**cloud.rights, "/storage/local": cloud.rights["/storage/local"] + " Datastore.Allocate"})
    exited(cloud.publish(image, target=cloud.target(nodes=["pve1", "pve2"])))
    published(cloud, image, templates=2)
    published(cloud, image, node="pve2", templates=2)
    same(len(cloud.journal.find("POST", "/upload", 200)), 2, "uploads")
    same([file for file in cloud.files() if ":import/" in file], [], "uploads that were used")


@case
def storages_of_their_own(cloud, image):
    """A node has other storages than the rest; `nodekiln roles` knows them all."""
    cloud.cluster.storages["local"]["nodes"] = cloud.cluster.storages["local-lvm"]["nodes"] = ["pve1"]
    cloud.add_storage("tank", "images,rootdir", kind="zfspool", nodes=["pve2"])
    cloud.add_storage("files", "iso", nodes=["pve2"])
    target = cloud.target(nodes=["pve1", {"name": "pve2", "storages": {"import": "files", "vztmpl": "files", "disks": "tank"}}])
    cloud.use_roles(target)
    exited(cloud.publish(image, target=target))
    published(cloud, image, templates=2)
    published(cloud, image, node="pve2", templates=2, vztmpl="files")
    same(sorted(volid.split(":")[0] for volid in cloud.disks() if "disk-0" in volid), ["local-lvm", "tank"], "disks")
    wrong = cloud.target(nodes=["pve1", {"name": "pve2", "storages": {"disks": "tank"}}])
    done = exited(cloud.publish(image, target=wrong), TARGET)
    check("storage local" in done.stderr and "on node pve2" in done.stderr, done.stderr)


@case
def one_node_fails(cloud, image):
    cloud.faults.answer(500, "kaputt", method="POST", path="/nodes/pve2/qemu$")
    exited(cloud.publish(image, target=cloud.target(nodes=["pve1", "pve2"])), TARGET)
    published(cloud, image)
    exited(cloud.publish(image, target=cloud.target(nodes=["pve1", "pve2"])))
    published(cloud, image, templates=2)
    published(cloud, image, node="pve2", templates=2)


if __name__ == "__main__":
    case.main()
