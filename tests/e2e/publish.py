#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nodekiln publish against the strict fake, as Proxmox VE 8 and as 9, with no right more than `nodekiln roles` gives.
publish.py [PATTERN] runs the cases whose name has PATTERN in it."""
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from cloud import NETWORK, RECIPE, SPACE, TARGET, TOKEN, TRUST, Cloud, Image, kill  # noqa: E402
from pve.certificates import Certificates  # noqa: E402
from pve.server import NAMES  # noqa: E402

WORKERS = 4
CREATE, UPLOAD, CONFIG, TEMPLATE = "/nodes/pve1/qemu$", "/upload$", "/config$", "/template$"
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
    check(done.returncode == code, f"exit code {done.returncode}, wanted {code}: {done.stdout[-300:]}{done.stderr[-700:]}")
    return done


def changes(cloud):
    return [(entry.method, entry.path) for entry in cloud.journal.find() if entry.method != "GET"]


def published(cloud, image, node="pve1", count=1, templates=None, temporary=True, vztmpl="local"):
    """The image is there, and nothing that should not be. Returns the VMIDs of its templates. temporary: nor may an upload's file (which
    a server that broke leaves behind; nobody can remove that from outside)."""
    cloud.settle()
    name = image.stem()
    mine = {vmid: options for vmid, options in cloud.guests().items() if options.get("name") == name
            and cloud.cluster.guests[vmid].node == node}
    same(len(mine), count, f"templates of {name}")
    for vmid, options in mine.items():
        same(options.get("template"), "1", f"VM {vmid} template")
        check(f'"vmid":{vmid},"state":"ready"' in options["description"], f"notes of VM {vmid}: {options['description']}")
        wanted = {"nodekiln", f"kiln.image.{image.name}", f"kiln.version.{image.version}", f"kiln.sha.{image.sha256('qcow2')[:12]}",
                  f"kiln.node.{node}"}
        check(wanted <= set(options["tags"].split(";")), f"tags of VM {vmid}: {options['tags']}")
        same(vmid in cloud.cluster.directory.pools["k8s"].vms, True, f"VM {vmid} in its pool")
    same(len(cloud.guests()), templates if templates is not None else count, "guests")
    for volid in cloud.disks():
        check(any(f"-{vmid}-" in volid for vmid in cloud.guests()), f"a disk of nobody: {volid}")
    if "tar.zst" in image.files:
        check(f"{vztmpl}:vztmpl/{image.stem('tar.zst')}.tar.zst" in cloud.files(node), f"files: {cloud.files(node)}")
        volume = cloud.volumes.find(f"{vztmpl}:vztmpl/{image.stem('tar.zst')}.tar.zst", node)
        same(Path(volume.file).read_bytes() == image.files["tar.zst"], True, "the container's bytes")
    check(not temporary or not cloud.leftovers(), f"temporary files: {cloud.leftovers()}")
    return sorted(mine)


def nothing(cloud):
    cloud.settle()
    same(cloud.guests(), {}, "guests")
    same(cloud.disks(), [], "disks")
    same(cloud.files(), [], "files")


# ---- the way it should be ----

@case
def happy(cloud, image):
    done = went(cloud.publish(image))
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
    went(cloud.publish(image))
    cloud.journal.clear()
    done = went(cloud.publish(image))
    same(changes(cloud), [], "changes")
    check("was there" in done.stdout, done.stdout)


@case
def dry_run(cloud, image):
    done = went(cloud.publish(image, "--dry-run"))
    same(changes(cloud), [], "changes")
    for word in ("upload local:import/", "create VM", "tag VM", "a template", "as ready"):
        check(word in done.stdout, done.stdout)
    went(cloud.publish(image))
    check("nothing to do" in went(cloud.publish(image, "--dry-run")).stdout, "a plan for what is there")


@case
def uefi(cloud, image):
    went(cloud.publish(image, "--firmware", "uefi"))
    vmid, = cloud.guests()
    options = cloud.config(vmid)
    same((options["bios"], options["machine"], options["name"]), ("ovmf", "q35", image.stem() + "-uefi"), "the guest")
    check("efitype=4m" in options["efidisk0"] and "pre-enrolled-keys=0" in options["efidisk0"], options["efidisk0"])
    went(cloud.publish(image))
    published(cloud, image, templates=2)


@case
def only_a_container(cloud, image):
    cloud.give({"/storage/local": cloud.rights["/storage/local"]})
    went(cloud.publish(image, "--only", "ct"))
    same((cloud.guests(), cloud.files()), ({}, [f"local:vztmpl/{image.stem('tar.zst')}.tar.zst"]), "what is there")


@case
def events(cloud, image):
    done = went(cloud.publish(image, "--json"))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    same(lines[-1]["event"], "result", "the last event")
    node, = lines[-1]["result"]["nodes"]
    same((node["node"], node["vmid"], node["changed"]), ("pve1", published(cloud, image)[0], True), "the result")
    phases = {line["phase"] for line in lines if line["event"] == "end"}
    check({"upload-vm.pve1", "upload-ct.pve1", "create.pve1"} <= phases, f"phases: {phases}")
    cloud.give({})
    done = went(cloud.publish(image, "--json"), TARGET)
    same(json.loads(done.stdout.splitlines()[-1])["code"], TARGET, "the failure's code")


@case
def secrets_stay_secret(cloud, image):
    cloud.faults.answer(500, "something broke", path="/qemu$", method="POST")
    done = cloud.publish(image, "--verbose")
    check(cloud.secret not in done.stdout + done.stderr, "the secret was said")
    for entry in cloud.journal.find():
        check(cloud.secret not in json.dumps(entry.values) + entry.path, f"the secret is in {entry.path}")
    target = cloud.target("env.yaml", token_secret_file=None, token_secret_env="KILN_TOKEN")
    went(cloud.publish(image, target=target, env={"KILN_TOKEN": cloud.secret}))
    went(cloud.publish(image, target=target), RECIPE)
    went(cloud.publish(image, target=target, env={"KILN_TOKEN": "wrong"}), RECIPE)


@case
def trust(cloud, image):
    other = cloud.work / "other"
    Certificates(other, cloud.version, NAMES)
    done = went(cloud.publish(image, target=cloud.target("wrong.yaml", ca=str(other / "ca.pem"))), TRUST)
    check("not trusted" in done.stderr, done.stderr)
    same(cloud.journal.find(), [], "requests of somebody who does not trust")
    went(cloud.publish(image, target=cloud.target("wrong.yaml", ca=None, fingerprints=["AB" * 32])), TRUST)
    went(cloud.publish(image, target=cloud.target("pin.yaml", ca=None, fingerprints=[cloud.fingerprint])))


# ---- what is missing ----

@case
def each_missing_right(cloud, image):
    for path, privileges in cloud.rights.items():
        for privilege in privileges.split():
            less = " ".join(word for word in privileges.split() if word != privilege)
            cloud.give({**cloud.rights, path: less})
            cloud.journal.clear()
            done = went(cloud.publish(image), TARGET)
            check(privilege in done.stderr and path in done.stderr and f"pveum acl modify {path} " in done.stderr, done.stderr)
            same(changes(cloud), [], f"changes without {privilege}")
    nothing(cloud)
    cloud.give(cloud.rights)
    went(cloud.publish(image))


@case
def roles_are_enough(cloud, image):
    cloud.use_roles(cloud.target())
    went(cloud.publish(image))
    published(cloud, image)


@case
def all_that_is_missing_at_once(cloud, image):
    cloud.give({"/storage/local": "Datastore.AllocateSpace"})
    cloud.cluster.storages["local"].update(content="iso,vztmpl", used=100 << 30)
    done = went(cloud.publish(image), TARGET)
    for word in ("Datastore.AllocateTemplate", "VM.Allocate", "SDN.Use", "/storage/local-lvm", "pvesm set local --content iso,vztmpl,import",
                 "0 B free"):
        check(word in done.stderr, f"{word} is not in: {done.stderr}")
    nothing(cloud)


@case
def wrong_content_type(cloud, image):
    cloud.cluster.storages["local"]["content"] = "iso,vztmpl,backup"
    done = went(cloud.publish(image), TARGET)
    check("pvesm set local --content iso,vztmpl,backup,import" in done.stderr, done.stderr)
    went(cloud.publish(image, "--only", "ct"))


@case
def storage_that_is_not_there(cloud, image):
    done = went(cloud.publish(image, target=cloud.target(storages={"import": "local", "vztmpl": "local", "disks": "nope"})), TARGET)
    check("/storage/nope" in done.stderr, done.stderr)
    cloud.cluster.storages["local-lvm"]["active"] = 0
    check("not active" in went(cloud.publish(image), TARGET).stderr, "an inactive storage")
    done = went(cloud.publish(image, target=cloud.target(nodes=["pve7"])), TARGET)
    check("no node pve7" in done.stderr, done.stderr)


@case
def no_room(cloud, image):
    cloud.cluster.storages["local"].update(total=1 << 20, used=(1 << 20) - 5000)
    check("free some" in went(cloud.publish(image), SPACE).stderr, "room")
    nothing(cloud)
    cloud.cluster.storages["local"]["used"] = 0
    cloud.cluster.storages["local-lvm"]["total"] = 1000
    check("local-lvm" in went(cloud.publish(image), SPACE).stderr, "room of disks")


@case
def room_goes_meanwhile(cloud, image):
    cloud.faults.add("run", method="POST", path=UPLOAD, function=lambda _: cloud.cluster.storages["local"].update(total=1000))
    went(cloud.publish(image), SPACE)
    cloud.cluster.storages["local"]["total"] = 1 << 30
    went(cloud.publish(image))
    published(cloud, image)


@case
def old_versions(cloud, image):
    cloud.release = f"{cloud.version - 1}.4.1" if cloud.version == 8 else "8.3.5"
    done = went(cloud.publish(image), TARGET)
    check("is needed" in done.stderr or "8.4" in done.stderr, done.stderr)
    nothing(cloud)


@case
def wrong_token(cloud, image):
    (cloud.work / "secret").write_text("01234567-89ab-cdef-0123-456789abcdef")
    done = went(cloud.publish(image), TARGET)
    check("401" in done.stderr and TOKEN in done.stderr, done.stderr)
    same(len(cloud.journal.find()), 1, "questions with a token that is wrong")


@case
def nobody_there(cloud, image):
    target = cloud.target(url="https://127.0.0.1:9")
    went(cloud.publish(image, target=target), NETWORK)


@case
def damaged_file(cloud, image):
    data = bytearray(image.files["qcow2"])
    data[-1] ^= 1
    image.path("qcow2").write_bytes(data)
    done = went(cloud.publish(image), TRUST)
    check("the manifest says" in done.stderr, done.stderr)
    same(cloud.guests(), {}, "guests")
    image.path("qcow2").write_bytes(data[:-1])
    cloud.journal.clear()
    went(cloud.publish(image), TRUST)
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
        done = went(cloud.publish(image))
    finally:
        calls_storage.verify = verify
    check("damaged on its way" in done.stderr, done.stderr)
    published(cloud, image)


# ---- the network and the daemons ----

@case
def answers_that_are_lost(cloud, image):
    """Each change, done or not done, answered with 595, 596 or nothing: it is never done twice."""
    for round_, (kind, carry_out) in enumerate(((595, False), (596, False), (596, True), ("cut", False), ("cut", True))):
        for path, method in ((UPLOAD, "POST"), (CREATE, "POST"), (CONFIG, "PUT"), (TEMPLATE, "POST")):
            each = Image(cloud.work / f"image{round_}{method}{len(path)}", seed=f"{round_}{path}")
            before = len(cloud.guests())
            if kind == "cut":
                cloud.faults.add("cut", method=method, path=path, carry_out=carry_out)
            else:
                cloud.faults.answer(kind, method=method, path=path, carry_out=carry_out)
            went(cloud.publish(each))
            published(cloud, each, templates=before + 1, temporary=False)


@case
def cut_in_the_middle(cloud, image):
    large = Image(cloud.work / "large", stored=500, seed="large", ct=False)
    stop = threading.Event()

    def cutter():
        while not cloud.requests_uploading and not stop.is_set():
            time.sleep(0.001)
        cloud.cut_connections()
    thread = threading.Thread(target=cutter)
    thread.start()
    done = went(cloud.publish(large))
    stop.set()
    thread.join()
    check("trying again" in done.stderr, f"nothing was cut: {done.stderr}")
    published(cloud, large, temporary=False)


@case
def a_right_that_is_lost_meanwhile(cloud, image):
    """The server hangs up on a large file, mostly before its answer is read; it is not sent again and again."""
    large = Image(cloud.work / "large", stored=500, seed="large", ct=False)
    cloud.faults.add("run", method="GET", path="/qemu$", skip=1, after=True,
                     function=lambda _: cloud.give({**cloud.rights, "/storage/local": "Datastore.AllocateSpace"}))
    done = went(cloud.publish(large), TARGET)
    check(all(word in done.stderr for word in ("Datastore.AllocateTemplate", "/storage/local")), done.stderr)
    check("trying again" not in done.stderr, done.stderr)
    nothing(cloud)


@case
def questions_that_fail(cloud, image):
    for path in ("/tasks$", "/content$", "/qemu$", "/nextid$", "/status$"):
        cloud.faults.answer(596, method="GET", path=path)
        cloud.faults.answer(500, "got lock request timeout", method="GET", path=path)
    went(cloud.publish(image))
    published(cloud, image)


@case
def busy(cloud, image):
    cloud.faults.answer(500, "cluster not ready - no quorum?", method="POST", path=CREATE)
    cloud.faults.answer(500, "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout", method="PUT", path=CONFIG)
    cloud.faults.answer(500, "VM is locked (backup)", method="POST", path=TEMPLATE)
    went(cloud.publish(image))
    published(cloud, image)


@case
def a_lock_that_goes(cloud, image):
    """Somebody makes a backup of the unfinished copy."""
    def lock(_):
        cloud.edit(100, lock="backup")
        threading.Timer(2, lambda: cloud.edit(100, delete=("lock",))).start()
    cloud.faults.add("run", method="PUT", path=CONFIG, after=True, function=lock)
    went(cloud.publish(image))
    published(cloud, image)


@case
def workers_that_die(cloud, image):
    """What a dead qmcreate leaves is locked and in no pool: the token can neither see nor remove it, so a person is told."""
    cloud.tasks.dying |= {"imgcopy", "qmcreate", "qmtemplate"}
    done = went(cloud.publish(image))
    check("qm destroy 100 --skiplock" in done.stderr, done.stderr)
    same(cloud.config(100), {"lock": "create"}, "what is left")
    cloud.cluster.remove_guest(100)
    published(cloud, image, temporary=False)


# ---- other people ----

@case
def vmid_collision(cloud, image):
    cloud.faults.add("run", method="POST", path=CREATE, function=lambda _: cloud.add_vm(100, status="stopped"))
    went(cloud.publish(image))
    vmid, = published(cloud, image, templates=2)
    same(vmid, 101, "the VMID")


@case
def vmid_range(cloud, image):
    cloud.add_vm(9000, pool="k8s")
    cloud.add_vm(9001)  # which the token does not see
    target = cloud.target(vmids={"from": 9000, "to": 9002})
    went(cloud.publish(image, target=target))
    same(published(cloud, image, templates=3), [9002], "the VMID")
    other = Image(cloud.work / "other", seed="other")
    done = went(cloud.publish(other, target=target), TARGET)
    check("no VMID from 9000 to 9002" in done.stderr, done.stderr)


@case
def somebody_else_finishes_it(cloud, image):
    """Between the look and the step, the same step is done."""
    def convert(_):
        with cloud.cluster.lock:
            guest = cloud.cluster.guests[100]
            guest.update({"template": "1"})
    cloud.faults.add("run", method="POST", path=TEMPLATE, function=convert)
    cloud.edit_after(100, path="/100/config$", times=1, description="they write, too\n")
    done = cloud.publish(image)
    cloud.settle()
    check(done.returncode == 0, done.stderr)


def rival(cloud, **more):
    """The target with another token, which does not see the first one's tasks."""
    value = cloud.add_token("nodekiln@pve", "second", privsep=0).partition("=")[2]
    (cloud.work / "second").write_text(value)
    (cloud.work / "second").chmod(0o600)
    return cloud.target("second.yaml", token_id="nodekiln@pve!second", token_secret_file="second", **more)


def both(cloud, image, *targets):
    children = [cloud.start_publish(image, target=target) for target in targets]
    said = [child.communicate(timeout=120)[0] for child in children]
    check(all(child.returncode == 0 for child in children), f"{[child.returncode for child in children]} {said}")
    return said


@case
def two_publishers(cloud, image):
    cloud.tasks.kinds.update(imgcopy=0.3, qmcreate=0.3)
    both(cloud, image, cloud.target(), rival(cloud))
    published(cloud, image)
    other = Image(cloud.work / "other", seed="other")
    both(cloud, other, cloud.target(), cloud.target("same.yaml"))
    published(cloud, other, templates=2)


@case
def two_copies_at_once(cloud, image):
    """Both are created before either is seen. The faster is the one with the lower VMID, then the one with the higher."""
    low, high = cloud.target("low.yaml", vmids={"from": 100, "to": 199}), rival(cloud, vmids={"from": 200, "to": 299})
    for number, slow in enumerate((b"vmid=2", b"vmid=1")):
        each = Image(cloud.work / f"image{number}", seed=number)
        barrier = threading.Barrier(2, timeout=30)

        def meet(request):
            barrier.wait()
            time.sleep(1.5 if slow in request.body else 0)
        cloud.faults.add("run", method="POST", path=CREATE, times=2, function=meet)
        both(cloud, each, low, high)
        published(cloud, each, templates=number + 1)
        check(len(cloud.journal.find("DELETE", "/qemu/", 200)) > number, "no copy gave way")


@case
def an_upload_that_changes_under_the_disk(cloud, image):
    def touch(_):
        cloud.volumes.find(f"local:import/{image.stem()}.qcow2", "pve1").ctime += 7
    cloud.faults.add("run", method="POST", path=CREATE, after=True, function=touch)
    done = went(cloud.publish(image))
    check("the upload was replaced" in done.stderr, done.stderr)
    same(len(cloud.journal.find("POST", "/nodes/pve1/qemu", 200)) >= 2, True, "made again")
    published(cloud, image)


@case
def clones_are_nobodys_business(cloud, image):
    """A clone has its template's tags and notes. Nothing that is done to templates is done to it."""
    went(cloud.publish(image))
    template, = published(cloud, image)
    options = cloud.config(template)
    clone = {key.replace("-", "_"): value for key, value in options.items() if key not in ("template", "digest", "scsi0", "scsi1")}
    cloud.add_vm(500, pool="k8s", status="stopped", **clone)
    cloud.add_vm(501, pool="k8s", status="stopped", **{**clone, "template": "1"})
    before = cloud.config(500), cloud.config(501)
    went(cloud.publish(image, "--replace", "--retain", "1"))
    same((cloud.config(500), cloud.config(501)), before, "the clones")
    check(template not in cloud.guests(), "the replaced template is still there")


# ---- versions ----

def versions(cloud, count):
    images = [Image(cloud.work / f"v{i}", version=f"1.20.{i}", seed=f"v{i}") for i in range(count)]
    for image in images:
        went(cloud.publish(image))
        for volume in cloud.volumes.known.values():
            volume.ctime -= 10  # seconds are all that the listing has
        time.sleep(1.1)
    return images


@case
def retain(cloud, image):
    cloud.give({**cloud.rights, "/storage/local": cloud.rights["/storage/local"] + " Datastore.Allocate"})
    images = versions(cloud, 3)
    same([file for file in cloud.files() if ":import/" in file], [], "uploads that were used")
    went(cloud.publish(image, "--retain", "2"))
    published(cloud, image, templates=2)
    published(cloud, images[2], templates=2)
    same(len(cloud.files()), 2, "container templates")


@case
def retain_spares_what_is_used(cloud, image):
    images = versions(cloud, 2)
    oldest = published(cloud, images[0], templates=2)[0]
    cloud.add_vm(500, pool="k8s", scsi0=f"local-lvm:base-{oldest}-disk-0/vm-500-disk-0,size=1G")
    done = went(cloud.publish(image, "--retain", "1"))
    check(f"VM {oldest} stays: VM 500 is a linked clone" in done.stderr, done.stderr)
    published(cloud, images[0], templates=3)
    published(cloud, image, templates=3)


@case
def retain_believes_the_server(cloud, image):
    """A linked clone that the token does not see, or a template that somebody protects."""
    images = versions(cloud, 1)
    oldest = published(cloud, images[0])[0]
    cloud.faults.answer(500, f"base volume 'local-lvm:base-{oldest}-disk-0' is still in use by linked cloned", method="DELETE", path="/qemu/")
    done = went(cloud.publish(image, "--retain", "1"))
    check(f"VM {oldest} stays" in done.stderr, done.stderr)
    cloud.edit(oldest, protection=1)
    went(cloud.publish(image, "--retain", "1"))
    published(cloud, images[0], templates=2)


@case
def replace(cloud, image):
    went(cloud.publish(image))
    old, = published(cloud, image)
    cloud.journal.clear()
    went(cloud.publish(image, "--replace"))
    new, = published(cloud, image)
    check(new != old, "it was not made anew")
    same(len(cloud.journal.find("POST", "/upload", 200)), 2, "uploads")


@case
def other_settings(cloud, image):
    went(cloud.publish(image))
    cloud.add_storage("fast", "images", kind="zfspool")
    cloud.give({**cloud.rights, "/storage/fast": "Datastore.AllocateSpace"})
    target = cloud.target(storages={"import": "local", "vztmpl": "local", "disks": "fast"})
    done = went(cloud.publish(image, target=target))
    check("--replace makes it anew" in done.stderr, done.stderr)
    went(cloud.publish(image, "--replace", target=target))
    vmid, = published(cloud, image)
    check("fast:" in cloud.config(vmid)["scsi0"], cloud.config(vmid)["scsi0"])


# ---- several nodes ----

@case
def two_nodes(cloud, image):
    target = cloud.target(nodes=["pve1", {"name": "pve2", "url": cloud.url}])
    went(cloud.publish(image, target=target))
    first, = published(cloud, image, templates=2)
    second, = published(cloud, image, node="pve2", templates=2)
    check(first != second, "one VMID for two")
    same(len(cloud.journal.find("POST", "/upload", 200)), 4, "uploads")
    cloud.journal.clear()
    went(cloud.publish(image, "--node", "pve2", target=target))
    same(changes(cloud), [], "changes")


@case
def two_nodes_with_one_storage(cloud, image):
    cloud.cluster.storages["local"].update(shared=1, type="nfs")
    cloud.give({**cloud.rights, "/storage/local": cloud.rights["/storage/local"] + " Datastore.Allocate"})
    went(cloud.publish(image, target=cloud.target(nodes=["pve1", "pve2"])))
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
    went(cloud.publish(image, target=target))
    published(cloud, image, templates=2)
    published(cloud, image, node="pve2", templates=2, vztmpl="files")
    same(sorted(volid.split(":")[0] for volid in cloud.disks() if "disk-0" in volid), ["local-lvm", "tank"], "disks")
    wrong = cloud.target(nodes=["pve1", {"name": "pve2", "storages": {"disks": "tank"}}])
    done = went(cloud.publish(image, target=wrong), TARGET)
    check("storage local" in done.stderr and "on node pve2" in done.stderr, done.stderr)


@case
def one_node_fails(cloud, image):
    cloud.faults.answer(500, "kaputt", method="POST", path="/nodes/pve2/qemu$")
    went(cloud.publish(image, target=cloud.target(nodes=["pve1", "pve2"])), TARGET)
    published(cloud, image)
    went(cloud.publish(image, target=cloud.target(nodes=["pve1", "pve2"])))
    published(cloud, image, templates=2)
    published(cloud, image, node="pve2", templates=2)


# ---- killed ----

def killed_at(cloud, image, number, after, method=None):
    """Starts a publish and kills it at its request of that number; whether it had so many."""
    child = cloud.start_publish(image)
    cloud.faults.add("run", skip=number, after=after, method=method, function=lambda _: kill(child))
    child.wait(timeout=60)
    cloud.faults.clear()
    child.stdout.close()
    return child.returncode < 0


def killed_everywhere(cloud, at_least, *how):
    for number in range(200):
        image = Image(cloud.work / f"image{number}", seed=f"{how}{number}", stored=2)
        with cloud.cluster.lock:
            for vmid in list(cloud.cluster.guests):
                cloud.cluster.remove_guest(vmid)
            cloud.volumes.known.clear()
        if not killed_at(cloud, image, number, *how):
            check(number >= at_least, f"only {number} requests")
            return
        try:
            went(cloud.publish(image))
            published(cloud, image)
        except Failed as why:
            raise Failed(f"killed at request {number}: {why}") from None


@case
def killed_after_each_request(cloud, image):
    """It was carried out, and nobody heard the answer."""
    killed_everywhere(cloud, 30, True)


@case
def killed_before_each_change(cloud, image):
    """The request arrived, and whoever sent it is dead when it is carried out."""
    killed_everywhere(cloud, 4, False, "POST")
    killed_everywhere(cloud, 2, False, "PUT")


@case
def killed_while_a_task_runs(cloud, image):
    """The next run waits for what the killed one has started, and goes on from there."""
    for kind in ("imgcopy", "qmcreate", "qmtemplate"):
        each = Image(cloud.work / kind, seed=kind)
        before = len(cloud.guests())
        cloud.tasks.kinds[kind] = 2
        child = cloud.start_publish(each)
        cloud.wait(lambda: any(task.kind == kind and not task.exitstatus for task in cloud.tasks.tasks.values()))
        kill(child)
        child.stdout.close()
        went(cloud.publish(each))
        published(cloud, each, templates=before + 1)
        cloud.tasks.kinds.clear()


@case
def killed_in_the_middle_of_an_upload(cloud, image):
    large = Image(cloud.work / "large", stored=500, seed="large", ct=False)
    child = cloud.start_publish(large)
    while not cloud.requests_uploading:
        time.sleep(0.001)
    kill(child)
    child.stdout.close()
    went(cloud.publish(large))
    published(cloud, large)


def run(function, version, certificates):
    name = f"publish-{version}-{function.__name__.replace('_', '-')}"
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nodekiln-publish-", ignore_cleanup_errors=True) as work:
        try:
            with Cloud(version, Path(work) / "cloud", nodes=("pve2",), certificates=certificates) as cloud:
                function(cloud, Image(Path(work) / "out"))
            return f"ok {name} ({time.monotonic() - started:.1f} s)"
        except Exception as error:  # a case fails by any of them
            where = traceback.extract_tb(error.__traceback__)
            lines = "/".join(str(frame.lineno) for frame in where if frame.filename.endswith("publish.py"))
            return f"not ok {name}: line {lines}: {type(error).__name__} {' '.join(str(error).split())}"


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [(function, version) for version in (8, 9) for function in CASES
              if pattern in f"publish-{version}-{function.__name__.replace('_', '-')}"]
    good = 0
    directory = Path(tempfile.mkdtemp(prefix="nodekiln-publish-"))
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
