#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nodekiln publish against a strict fake that fails, with others at work, and killed.
publish_faults.py [PATTERN] runs the cases whose name has PATTERN in it."""
import threading
import time

from harness.cases import Failed, check, exited, same
from harness.process import kill_group
from harness.publish_cases import cases, nothing, published
from harness.pve_env import TARGET, Image

CREATE, UPLOAD, CONFIG, TEMPLATE = "/nodes/pve1/qemu$", "/upload$", "/config$", "/template$"
case = cases("publish-faults")


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
            exited(cloud.publish(each))
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
    done = exited(cloud.publish(large))
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
    done = exited(cloud.publish(large), TARGET)
    check(all(word in done.stderr for word in ("Datastore.AllocateTemplate", "/storage/local")), done.stderr)
    check("trying again" not in done.stderr, done.stderr)
    nothing(cloud)


@case
def what_was_made_cannot_be_seen(cloud, image):
    """The token loses VM.Audit once the VM is there. No second one is made, and the next run finishes the first."""
    rights = dict(cloud.rights)
    cloud.faults.add("run", method="POST", path=CREATE, after=True,
                     function=lambda _: cloud.give({**rights, "/pool/k8s": rights["/pool/k8s"].replace("VM.Audit ", "")}))
    done = exited(cloud.publish(image), TARGET)
    check("VM 100, which this run works on, is still there, but the token" in done.stderr and "VM.Audit on /pool/k8s" in done.stderr,
          done.stderr)
    same((len(cloud.journal.find("POST", "/nodes/pve1/qemu", 200)), list(cloud.guests())), (1, [100]), "VMs made")
    cloud.give(rights)
    exited(cloud.publish(image))
    same(published(cloud, image), [100], "the template")


@case
def what_was_made_leaves_the_pool(cloud, image):
    """A person takes it out of the pool before it is a template."""
    cloud.faults.add("run", method="PUT", path=CONFIG, after=True,
                     function=lambda _: cloud.cluster.directory.pools["k8s"].vms.discard(100))
    done = exited(cloud.publish(image), TARGET)
    check("VM 100, which this run works on, is still there" in done.stderr, done.stderr)
    same(list(cloud.guests()), [100], "VMs made")


@case
def what_was_made_is_removed(cloud, image):
    """Each time: another program undoes what is done here."""
    def remove(_):
        cloud.settle()
        with cloud.cluster.lock:
            for vmid in list(cloud.cluster.guests):
                cloud.cluster.remove_guest(vmid)
    cloud.faults.add("run", method="GET", path="/tasks$", times=1000, function=remove)
    done = exited(cloud.publish(image), TARGET)
    check("is still to do: Proxmox VE does not show its result" in done.stderr, done.stderr)
    check(len(cloud.journal.find("POST", "/nodes/pve1/qemu", 200)) <= 8, "VMs are made without end")


@case
def volumes_that_are_left(cloud, image):
    """PVE names a number again and again whose volume is in the way."""
    cloud.add_left_over("local-lvm", 100)
    cloud.add_left_over("local-lvm", 101)
    done = exited(cloud.publish(image))
    check("VMID 100 is skipped" in done.stderr and "pvesm free local-lvm:vm-101-cloudinit" in done.stderr, done.stderr)
    cloud.volumes.known.pop(("local-lvm:vm-100-cloudinit", "pve1"))
    cloud.volumes.known.pop(("local-lvm:vm-101-cloudinit", "pve1"))
    same(published(cloud, image), [102], "the template")
    for kind, volid in (("dir", "disks:300/vm-300-cloudinit.qcow2"), ("zfspool", "disks:vm-300-cloudinit"),
                        ("rbd", "disks:vm-300-cloudinit")):
        cloud.add_storage("disks", "images", kind=kind)
        cloud.add_left_over("disks", 300)
        cloud.give({**cloud.rights, "/storage/disks": "Datastore.AllocateSpace"})
        target = cloud.target(storages={"import": "local", "vztmpl": "local", "disks": "disks"}, vmids={"from": 300, "to": 309})
        each = Image(cloud.work / kind, seed=kind, ct=False)
        done = exited(cloud.publish(each, target=target))
        check(f"pvesm free {volid}" in done.stderr, done.stderr)
        with cloud.cluster.lock:
            for vmid in [vmid for vmid in cloud.cluster.guests if vmid >= 300]:
                cloud.cluster.remove_guest(vmid)
            for key in [key for key, volume in cloud.volumes.known.items() if volume.storage == "disks"]:
                cloud.volumes.known.pop(key)


@case
def what_tasks_warn_of(cloud, image):
    """A disk that stays is reported, as 8 writes it and as 9, and so is what any task warns of; once each."""
    cloud.tasks.warn = {"qmcreate": "the storage is slow", "qmtemplate": "no discard"}
    done = exited(cloud.publish(image))
    for words in ("create VM 100: the task on pve1 warns: WARN: the storage is slow", "the task on pve1 warns: WARN: no discard"):
        same(done.stderr.count(words), 1, f"{words} in {done.stderr}")
    cloud.tasks.warn = {}
    cloud.volumes.stuck.add("local-lvm:base-100-disk-0")
    done = exited(cloud.publish(image, "--replace"))
    same(done.stderr.count("Could not remove disk 'local-lvm:base-100-disk-0', check manually"), 1, done.stderr)
    check("WARN" not in exited(cloud.publish(image)).stderr, "reported again")


@case
def questions_that_fail(cloud, image):
    for path in ("/tasks$", "/content$", "/qemu$", "/nextid$", "/status$"):
        cloud.faults.answer(596, method="GET", path=path)
        cloud.faults.answer(500, "got lock request timeout", method="GET", path=path)
    exited(cloud.publish(image))
    published(cloud, image)


@case
def busy(cloud, image):
    cloud.faults.answer(500, "cluster not ready - no quorum?", method="POST", path=CREATE)
    cloud.faults.answer(500, "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout", method="PUT", path=CONFIG)
    cloud.faults.answer(500, "VM is locked (backup)", method="POST", path=TEMPLATE)
    exited(cloud.publish(image))
    published(cloud, image)


@case
def a_lock_that_goes(cloud, image):
    """Another user makes a backup of the unfinished copy."""
    def lock(_):
        cloud.edit(100, lock="backup")
        threading.Timer(2, lambda: cloud.edit(100, delete=("lock",))).start()
    cloud.faults.add("run", method="PUT", path=CONFIG, after=True, function=lock)
    exited(cloud.publish(image))
    published(cloud, image)


@case
def workers_that_die(cloud, image):
    """What a dead qmcreate leaves is locked and in no pool: the token can neither see nor remove it, so the error asks a person to."""
    cloud.tasks.dying |= {"imgcopy", "qmcreate", "qmtemplate"}
    done = exited(cloud.publish(image))
    check("qm destroy 100 --skiplock" in done.stderr, done.stderr)
    same(cloud.config(100), {"lock": "create"}, "what is left")
    cloud.cluster.remove_guest(100)
    published(cloud, image, temporary=False)


# ---- other people ----

@case
def vmid_collision(cloud, image):
    cloud.faults.add("run", method="POST", path=CREATE, function=lambda _: cloud.add_vm(100, status="stopped"))
    exited(cloud.publish(image))
    vmid, = published(cloud, image, templates=2)
    same(vmid, 101, "the VMID")


@case
def vmid_range(cloud, image):
    cloud.add_vm(9000, pool="k8s")
    cloud.add_vm(9001)  # which the token does not see
    target = cloud.target(vmids={"from": 9000, "to": 9002})
    exited(cloud.publish(image, target=target))
    same(published(cloud, image, templates=3), [9002], "the VMID")
    other = Image(cloud.work / "other", seed="other")
    cloud.journal.clear()
    for options in ((), ("--dry-run",)):
        done = exited(cloud.publish(other, *options, target=target), TARGET)
        check("no VMID from 9000 to 9002" in done.stderr, done.stderr)
    done = exited(cloud.publish(image, "--replace", target=target), TARGET)
    check("no VMID from 9000 to 9002" in done.stderr, done.stderr)
    same(cloud.journal.find("POST"), [], "uploads, before that is known")


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
        check(len(cloud.journal.find("DELETE", "/qemu/", 200)) > number, "no copy was discarded")


@case
def an_upload_that_changes_under_the_disk(cloud, image):
    def touch(_):
        cloud.volumes.find(f"local:import/{image.stem()}.qcow2", "pve1").ctime += 7
    cloud.faults.add("run", method="POST", path=CREATE, after=True, function=touch)
    done = exited(cloud.publish(image))
    check("the upload was replaced" in done.stderr, done.stderr)
    same(len(cloud.journal.find("POST", "/nodes/pve1/qemu", 200)) >= 2, True, "made again")
    published(cloud, image)


@case
def clones_are_nobodys_business(cloud, image):
    """A clone has its template's tags and notes. Nothing that is done to templates is done to it."""
    exited(cloud.publish(image))
    template, = published(cloud, image)
    options = cloud.config(template)
    clone = {key.replace("-", "_"): value for key, value in options.items() if key not in ("template", "digest", "scsi0", "scsi1")}
    cloud.add_vm(500, pool="k8s", status="stopped", **clone)
    cloud.add_vm(501, pool="k8s", status="stopped", **{**clone, "template": "1"})
    before = cloud.config(500), cloud.config(501)
    exited(cloud.publish(image, "--replace", "--retain", "1"))
    same((cloud.config(500), cloud.config(501)), before, "the clones")
    check(template not in cloud.guests(), "the replaced template is still there")


# ---- killed ----

def killed_at(cloud, image, number, after, method=None):
    """Starts a publish and kills it at its request of that number; whether it had so many."""
    child = cloud.start_publish(image)
    cloud.faults.add("run", skip=number, after=after, method=method, function=lambda _: kill_group(child))
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
            exited(cloud.publish(image))
            published(cloud, image)
        except Failed as why:
            raise Failed(f"killed at request {number}: {why}") from None


@case
def killed_after_each_request(cloud, image):
    """It was carried out, and the answer was lost."""
    killed_everywhere(cloud, 30, True)


@case
def killed_before_each_change(cloud, image):
    """The request arrived, and its sender is dead when it is carried out."""
    killed_everywhere(cloud, 4, False, "POST")
    killed_everywhere(cloud, 2, False, "PUT")


@case
def killed_while_a_task_runs(cloud, image):
    """The next run waits for what the killed one has started, and continues from there."""
    for kind in ("imgcopy", "qmcreate", "qmtemplate"):
        each = Image(cloud.work / kind, seed=kind)
        before = len(cloud.guests())
        cloud.tasks.kinds[kind] = 2
        child = cloud.start_publish(each)
        cloud.wait(lambda: any(task.kind == kind and not task.exitstatus for task in cloud.tasks.tasks.values()))
        kill_group(child)
        child.stdout.close()
        exited(cloud.publish(each))
        published(cloud, each, templates=before + 1)
        cloud.tasks.kinds.clear()


@case
def killed_in_the_middle_of_an_upload(cloud, image):
    large = Image(cloud.work / "large", stored=500, seed="large", ct=False)
    child = cloud.start_publish(large)
    while not cloud.requests_uploading:
        time.sleep(0.001)
    kill_group(child)
    child.stdout.close()
    exited(cloud.publish(large))
    published(cloud, large)


if __name__ == "__main__":
    case.main()
