#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nodekiln deploy and destroy against a strict fake that fails, with others at work, and killed.
deploy_faults.py [PATTERN] runs the cases whose name has PATTERN in it."""
import signal
import threading
import time

from harness.cases import Failed, check, exited, same
from harness.deploy_env import AGENT, TIMEOUT, assert_ready, cases, gone
from harness.process import kill_group
from harness.pve_env import FAILED, SPACE, TARGET
from pve.errors import ApiError

case = cases("deploy-faults")


# ---- what goes wrong ----

@case
def a_node_that_fails(lab):
    lab.states["w1"] = "failed"
    done = exited(lab.deploy(), FAILED)
    check("kubeadm went wrong" in done.stderr and "w1" in done.stderr, done.stderr)
    del lab.states["w1"]
    exited(lab.destroy("--node", "w1"))
    exited(lab.deploy())
    assert_ready(lab)


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
        exited(lab.deploy())
        check(not lab.faults.waiting, f"{kind}: not asked for: {lab.faults.waiting}")
        assert_ready(lab)
        lose(lab, kind, carry_out, ("POST", "/stop$"), ("DELETE", "/qemu/"))
        exited(lab.destroy())
        check(not lab.faults.waiting, f"{kind}: not asked for: {lab.faults.waiting}")
        gone(lab)
        lab.troubles.clear()


@case
def a_lock_that_goes(lab):
    """Another user makes a backup of a guest that is not configured yet."""
    def lock(_):
        lab.edit(101, lock="backup")
        threading.Timer(2, lambda: lab.edit(101, delete=("lock",))).start()
    lab.faults.add("run", method="POST", path="/token/kiln_lab_cp1", after=True, function=lock)
    exited(lab.deploy())
    assert_ready(lab)


@case
def busy(lab):
    for path, method in (("/clone$", "POST"), ("/resize$", "PUT"), ("/config$", "PUT"), ("/access/acl$", "PUT"), ("/token/", "POST")):
        lab.faults.answer(500, "got lock request timeout", path=path, method=method)
    exited(lab.deploy())
    assert_ready(lab)


@case
def workers_that_die(lab):
    for kind in ("qmclone", "imgcopy", "resize", "qmstart", "imgdel"):
        lab.tasks.dying.add(kind)
    exited(lab.deploy())
    left = [vmid for vmid, options in lab.guests().items() if options == {"lock": "clone"}]
    same(left, [101], "what a dead worker leaves, in no pool and visible to no token")
    assert_ready(lab)


@case
def vmid_collision(lab):
    lab.faults.add("run", method="POST", path="/clone$", function=lambda _: lab.add_vm(101, status="stopped"))
    exited(lab.deploy())
    same(sorted(assert_ready(lab)), [102, 103], "VMIDs")
    lab.add_vm(300, status="stopped")
    nodes = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker"}, {"name": "w2", "role": "worker", "vmid": 300}]
    check("VMID 300 is already that of another guest" in exited(lab.deploy(file=lab.cluster_file(nodes)), TARGET).stderr, "a number of its own that is taken")


@case
def volumes_that_are_left(lab):
    lab.add_left_over("local-lvm", 101)
    lab.add_left_over("local-lvm", 103)
    done = exited(lab.deploy())
    check("VMID 101 is skipped" in done.stderr and "pvesm free local-lvm:vm-103-cloudinit" in done.stderr, done.stderr)
    for vmid in (101, 103):
        lab.volumes.known.pop((f"local-lvm:vm-{vmid}-cloudinit", "pve1"))
    same(sorted(assert_ready(lab)), [102, 104], "VMIDs")
    lab.add_left_over("local-lvm", 300)
    nodes = [{"name": "cp1", "role": "init"}, {"name": "w1", "role": "worker"}, {"name": "w2", "role": "worker", "vmid": 300}]
    done = exited(lab.deploy(file=lab.cluster_file(nodes)), TARGET)
    check("node w2: a volume of an earlier guest 300 is left, local-lvm:vm-300-cloudinit" in done.stderr, done.stderr)
    same(len(lab.journal.find("POST", "/clone", 200)), 5, "clones")


def hidden(lab, words, *commands):
    """Nothing changes, and each command says why."""
    before = lab.guests(), lab.tokens(), lab.seeds()
    for command in commands:
        done = exited(lab.run(*command), TARGET)
        check(words in done.stderr, done.stderr)
    same((lab.guests(), lab.tokens(), lab.seeds()), before, "what there is")
    check((lab.work / "lab.secrets").exists(), "the secrets are gone")


@case
def a_guest_that_cannot_be_seen(lab):
    """It is neither made again nor taken for removed."""
    exited(lab.deploy())
    pool = lab.cluster.directory.pools["k8s"].vms
    pool.discard(102)
    check("guest 102, node w1 of cluster lab, is still there" in exited(lab.run("destroy", "--dry-run")).stderr, "the dry run")
    words = "guest 102, node w1 of cluster lab, is still there, but the token nodekiln@pve!ci cannot see it any more"
    hidden(lab, words, ["deploy"], ["deploy", "--dry-run"], ["destroy", "--yes", "--node", "w1"])
    pool.add(102)
    lab.migrate(102, "pve2")
    hidden(lab, "guest 102, node w1 of cluster lab, is on pve2, which the target does not name", ["deploy"],
           ["destroy", "--yes", "--node", "w1"])
    lab.migrate(102, "pve1")
    exited(lab.deploy())
    pool.discard(102)
    check(words in exited(lab.destroy(), TARGET).stderr, "the end")
    same(list(lab.nodes()), [102], "what is left")
    pool.add(102)
    exited(lab.destroy())
    gone(lab)


@case
def a_guest_that_was_removed_by_hand(lab):
    """Another guest, which the token sees, has its number now."""
    exited(lab.deploy())
    lab.stop_guest(lab.cluster.guests[102])
    with lab.cluster.lock:
        for volume in [volume for volume in lab.volumes.known.values() if volume.vmid == 102]:
            lab.volumes.free_volume(volume)
        lab.cluster.remove_guest(102)
    lab.add_vm(102, pool="k8s", status="stopped", name="w1")
    exited(lab.deploy())
    same(sorted(assert_ready(lab)), [101, 103], "VMIDs")
    exited(lab.destroy())
    same(list(lab.guests()), [100, 102], "the template, and the other's guest")


@case
def a_right_that_is_lost_meanwhile(lab):
    """VM.Audit goes once the first guest is there: no second one is made."""
    lab.faults.add("run", method="POST", path="/clone$", after=True,
                   function=lambda _: lab.give({**lab.rights, "/pool/k8s": lab.rights["/pool/k8s"].replace("VM.Audit ", "")}))
    done = exited(lab.deploy(file=lab.cluster_file([{"name": "cp1", "role": "init"}])), TARGET)
    check("guest 101, node cp1 of cluster lab, is still there" in done.stderr, done.stderr)
    same(len(lab.journal.find("POST", "/clone")), 1, "clones")
    lab.give(lab.rights)
    exited(lab.deploy(file=lab.cluster_file([{"name": "cp1", "role": "init"}])))
    assert_ready(lab, 1)


@case
def what_is_missing_on_the_node(lab):
    """The bridge is looked for before anything is made; a full storage is exit 7."""
    lab.cluster.nodes["pve1"]["bridges"] = ["vmbr1"]
    done = exited(lab.deploy(), TARGET)
    check("node pve1 has no bridge or VNet vmbr0" in done.stderr, done.stderr)
    same((lab.journal.find("POST", "/clone"), (lab.work / "lab.kubeconfig").exists()), ([], False), "changes")
    del lab.cluster.nodes["pve1"]["bridges"]
    lab.cluster.storages["local-lvm"]["used"] = lab.cluster.storages["local-lvm"]["total"]
    check("out of space" in exited(lab.deploy("--full"), SPACE).stderr, "a full storage")
    lab.cluster.storages["local-lvm"]["used"] = 0
    exited(lab.deploy())
    assert_ready(lab)


@case
def what_tasks_warn_of(lab):
    lab.tasks.warn = {"qmclone": "a snapshot is left", "qmstart": "no KVM", "qmstop": "it was killed"}
    done = exited(lab.deploy(file=lab.cluster_file([{"name": "cp1", "role": "init"}])))
    check("clone VM 100 as 101: the task on pve1 warns: WARN: a snapshot is left" in done.stderr and "WARN: no KVM" in done.stderr, done.stderr)
    lab.volumes.stuck.add("local-lvm:vm-101-disk-0")
    done = exited(lab.destroy(file=lab.cluster_file([{"name": "cp1", "role": "init"}])))
    check("it was killed" in done.stderr and "Could not remove disk 'local-lvm:vm-101-disk-0'" in done.stderr, done.stderr)


@case
def a_lost_digest_race(lab):
    lab.edit_after(101, path="/101/config$", times=1, onboot=1)
    exited(lab.deploy())
    assert_ready(lab)


@case
def a_busy_node(lab):
    """What passes with the load: starts are tried again, and so are lists."""
    fails = {101: "timeout waiting on systemd", 102: "unable to connect to VM 102 qmp socket - timeout after 31 retries"}
    start = lab.start_guest

    def start_guest(guest):
        if guest.vmid in fails:
            raise ApiError(fails.pop(guest.vmid))
        start(guest)
    lab.start_guest = start_guest
    lab.faults.answer(500, "short read on command socket (16 != 0)", method="GET", path="/lxc$")
    exited(lab.deploy())
    same(fails, {}, "starts that did not fail")
    assert_ready(lab)


@case
def a_token_that_has_gone(lab):
    """Killed before the start, and the token expired meanwhile."""
    lab.faults.add("run", method="POST", path="/start$", function=lambda _: kill_group(child))
    child = lab.start_deploy()
    child.wait(timeout=60)
    child.stdout.close()
    for token in lab.cluster.directory.users[AGENT]["tokens"].values():
        token["expire"] = 1000
    time.sleep(1)
    lab.troubles.clear()  # a guest that was started all the same has no token
    exited(lab.deploy())
    assert_ready(lab)


# ---- other people ----

@case
def two_deployers(lab):
    """With one file of secrets: one waits for the other, and says for whom."""
    lab.tasks.kinds["qmclone"] = 2  # so that the second begins while the first is at work
    children = [lab.start_deploy(file=lab.cluster_file())]
    lab.wait(lambda: any(task.kind == "qmclone" for task in lab.tasks.tasks.values()))
    children.append(lab.start_deploy(file=lab.cluster_file()))
    said = []
    for child in children:
        said.append(child.communicate(timeout=TIMEOUT)[0])
        same(child.returncode, 0, said[-1][-500:])
    check(f"is in use by another run (process {children[0].pid})" in said[1] and "in use" not in said[0], f"who waits for whom: {said}")
    assert_ready(lab)


@case
def two_deployers_with_other_secrets(lab):
    children = [lab.start_deploy("--secrets", lab.work / name, file=lab.cluster_file()) for name in ("a", "b")]
    for child in children:
        child.said = child.communicate(timeout=TIMEOUT)[0]
    codes = sorted(child.returncode for child in children)
    check(codes in ([0, TARGET], [TARGET, TARGET]), f"{codes}: {[child.said[-300:] for child in children]}")
    if codes[0] == 0:
        assert_ready(lab)
    else:
        gone(lab)


@case
def a_cluster_of_the_same_name(lab):
    exited(lab.deploy())
    before = lab.nodes()
    done = exited(lab.deploy("--secrets", lab.work / "other"), TARGET)
    check("other secrets" in done.stderr, done.stderr)
    same(lab.nodes(), before, "guests")


# ---- killed ----

def killed_everywhere(lab, command, options=()):
    """Reads change nothing: being killed at one of them is being killed after the write before it. So: at each write, before it is
    carried out and after, when the answer is lost."""
    one = [{"name": "cp1", "role": "init"}]
    for number in range(100):
        for after in (False, True):
            if command == "destroy":
                lab.states["cp1"] = "failed"  # so that there is a token and a seed
                exited(lab.deploy(file=lab.cluster_file(one)), FAILED)
            if not killed_at(lab, number, after, command, options, lab.cluster_file(one)):
                check(number > 2, f"only {number} writes")
                return
            try:
                if command == "deploy":
                    exited(lab.deploy(file=lab.cluster_file(one)))
                    assert_ready(lab, 1)
                exited(lab.destroy(file=lab.cluster_file(one)))
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
                kill_group(child)
    lab.settle()
    child = lab.start_deploy(*options, command=command, file=file)
    lab.faults.add("run", after=after, times=10 ** 6, function=look)  # it reads a lot before it writes
    child.communicate(timeout=TIMEOUT)
    lab.faults.clear()
    return child.returncode < 0


def interrupt(lab, child, words):
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=TIMEOUT)[0].splitlines()
    same((child.returncode, said[-1]), (-signal.SIGINT, f"interrupted: {words}"), "how it ended")


@case
def interrupted(lab):
    """Before anything was made it leaves nothing; later it says what stays."""
    lab.target("down.yaml", url="https://127.0.0.1:9")
    child = lab.start_deploy(file=lab.cluster_file(target="down.yaml"))
    secrets = lab.work / "lab.secrets"
    lab.wait(secrets.exists)
    interrupt(lab, child, "what was made stays; `nodekiln deploy` with the same file continues, `nodekiln destroy` removes it")
    same(list(lab.work.glob("*lab.secrets*")), [], "what is left")
    lab.states["cp1"] = "joining"
    child = lab.start_deploy(file=lab.cluster_file())
    lab.wait(lambda: "cp1" in lab.seen)
    interrupt(lab, child, "what was made stays; `nodekiln deploy` with the same file continues, `nodekiln destroy` removes it")
    exited(lab.destroy())
    gone(lab)


@case
def killed_deploy(lab):
    killed_everywhere(lab, "deploy")


@case
def killed_destroy(lab):
    killed_everywhere(lab, "destroy", ["--yes"])


@case
def killed_while_a_task_runs(lab):
    """The next run waits for what the killed one has started, and continues from there."""
    for kind in ("qmclone", "resize", "imgcopy", "qmstart"):
        lab.tasks.kinds[kind] = 1
        child = lab.start_deploy(file=lab.cluster_file())
        lab.wait(lambda kind=kind: any(task.kind == kind and not task.exitstatus for task in lab.tasks.tasks.values()))
        kill_group(child)
        child.stdout.close()
        exited(lab.deploy())
        lab.tasks.kinds.clear()
        assert_ready(lab)
        exited(lab.destroy())
        gone(lab)


if __name__ == "__main__":
    case.main()
