# SPDX-License-Identifier: Apache-2.0
"""Making VMs, templates and clones, with just the rights that are known to be enough."""
import re

from .raw import Client
from .selftest import Cases, done, invalid, refused, same
from .selftest_upload import qcow2

case = Cases()
cases = case.of
QEMU, LXC = "/nodes/pve1/qemu", "/nodes/pve1/lxc"
POOL_RIGHTS = ("VM.Allocate VM.Audit VM.Clone VM.Config.Disk VM.Config.CPU VM.Config.Memory VM.Config.Network VM.Config.HWType "
               "VM.Config.Options VM.Config.CDROM VM.Config.Cloudinit VM.PowerMgmt")
VM = {"vmid": "300", "name": "k8s", "memory": "2048", "cores": "2", "cpu": "host", "net0": "virtio,bridge=vmbr0",
      "scsihw": "virtio-scsi-single", "scsi0": "local-lvm:0,import-from=store:import/k8s.qcow2,discard=on,iothread=1",
      "ide2": "local-lvm:cloudinit", "boot": "order=scsi0", "serial0": "socket", "vga": "serial0", "agent": "enabled=1", "ostype": "l26",
      "ipconfig0": "ip=dhcp", "pool": "k8s"}
CT = {"vmid": "301", "ostemplate": "store:vztmpl/k8s.tar.zst", "hostname": "ct", "rootfs": "local-lvm:4", "unprivileged": "1",
      "features": "nesting=1", "net0": "name=eth0,bridge=vmbr0,ip=dhcp", "memory": "1024", "pool": "k8s"}
NEEDED = (  # a right that the builder has on a path, and what fails without it
    ("/pool/k8s", "VM.Allocate", 403, "Permission check failed"), ("/storage/local-lvm", "Datastore.AllocateSpace", 403, None),
    ("/storage/store", "Datastore.AllocateSpace", 403, None), ("/sdn/zones/localnetwork/vmbr0", "SDN.Use", 403, None),
    ("/pool/k8s", "VM.Config.Disk", 403, "Permission check failed (/vms/300, VM.Config.Disk)"),
    ("/pool/k8s", "VM.Config.CPU", 403, "Permission check failed (/vms/300, VM.Config.CPU)"),
    ("/pool/k8s", "VM.Config.Memory", 403, "Permission check failed (/vms/300, VM.Config.Memory)"),
    ("/pool/k8s", "VM.Config.Network", 403, "Permission check failed (/vms/300, VM.Config.Network)"),
    ("/pool/k8s", "VM.Config.HWType", 403, "Permission check failed (/vms/300, VM.Config.HWType)"),
    ("/pool/k8s", "VM.Config.Options", 403, "Permission check failed (/vms/300, VM.Config.Options)"))


def builder(world, without=()):
    """The least that was proven to be enough, minus (path, privilege) pairs."""
    world.add_user("builder@pve")
    rights = {"/pool/k8s": POOL_RIGHTS, "/sdn/zones/localnetwork/vmbr0": "SDN.Use",
              "/storage/store": "Datastore.AllocateTemplate Datastore.AllocateSpace", "/storage/local-lvm": "Datastore.AllocateSpace"}
    for i, (path, privileges) in enumerate(rights.items()):
        world.add_role(f"Builder{i}", " ".join(p for p in privileges.split() if (path, p) not in without))
        world.grant(path, f"Builder{i}", "builder@pve")
    return Client(world, world.add_token("builder@pve", "tok", privsep=0))


def ready(world, without=()):
    (world.directory / "image").write_bytes(qcow2(3 << 30))
    world.add_file("store:import/k8s.qcow2", world.directory / "image")
    world.add_file("store:vztmpl/k8s.tar.zst")
    return builder(world, without)


def task(world, client, reply):
    upid = done(reply)
    world.wait(lambda: world.tasks.tasks[upid].exitstatus)
    return client.get(f"/nodes/pve1/tasks/{upid}/status")["exitstatus"]


def template(world, client):
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    same(task(world, client, client("POST", QEMU + "/300/template")), "OK")


@case
def a_vm_from_an_image(world):
    client = ready(world)
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    config = client.get(QEMU + "/300/config")
    same(config["scsi0"], "local-lvm:vm-300-disk-0,discard=on,iothread=1,size=3G")
    same(config["ide2"], "local-lvm:vm-300-cloudinit,media=cdrom")
    assert re.fullmatch("uuid=[0-9a-f-]{36}", config["smbios1"]) and re.match("virtio=BC:24:11:", config["net0"]), config
    assert 300 in world.cluster.directory.pools["k8s"].vms and "lock" not in config
    same([one["volid"] for one in world.admin.get("/nodes/pve1/storage/local-lvm/content", vmid=300)],
         ["local-lvm:vm-300-cloudinit", "local-lvm:vm-300-disk-0"])
    same(client.get("/nodes/pve1/qemu/300/cloudinit/dump", type="user").split("\n")[1], "hostname: k8s")


@case
def each_right_of_the_builder_is_needed(world):
    for path, privilege, status, text in NEEDED:
        client = ready(world, [(path, privilege)])
        refused(client("POST", QEMU, VM), status, text)
        assert 300 not in world.cluster.guests


@case
def without_the_pool_a_vm_needs_rights_of_its_own(world):
    client = ready(world)
    refused(client("POST", QEMU, {name: value for name, value in VM.items() if name != "pool"}), 403, "Permission check failed")
    refused(client("POST", QEMU, {**VM, "pool": "nope"}), 403, "Permission check failed (pool 'nope' does not exist)")


@case
def tags_at_creation(world):
    client = ready(world)
    found = task(world, client, client("POST", QEMU, {**VM, "tags": "B;a"}))
    if world.version == 8:
        same((found, world.config(300)["tags"]), ("OK", "B;a"))
    else:
        same(found, "unable to create VM 300 - 403 Permission check failed (/vms/300, VM.Config.Options)")
        same((300 in world.cluster.guests, world.admin.get("/nodes/pve1/storage/local-lvm/content", vmid=300)), (False, []))


@case
def a_vmid_is_taken_once(world):
    client = ready(world)
    refused(client("POST", QEMU, {**VM, "vmid": "102"}), 500, "unable to create VM 102 - VM 102 already exists on node 'pve1'")
    template(world, client)
    refused(client("POST", QEMU + "/300/clone", {"newid": "102", "pool": "k8s"}), 500,
            "unable to create VM 102: config file already exists")
    refused(client("POST", LXC, {**CT, "vmid": "102"}), 500, "VM 102 already exists on node 'pve1'")


@case
def what_cannot_be_imported(world):
    client = ready(world)
    missing = {**VM, "scsi0": "local-lvm:0,import-from=store:import/none.qcow2"}
    same(task(world, client, client("POST", QEMU, missing)),
         "unable to create VM 300 - failed to stat '/mnt/pve/store/import/none.qcow2'")
    invalid(client("POST", QEMU, {**VM, "scsi0": "local-lvm:8,import-from=store:import/k8s.qcow2"}),
            scsi0="'import-from' requires special syntax - use <storage ID>:0,import-from=<source>")
    invalid(client("POST", QEMU, {**VM, "scsi0": "store:iso/x.iso"}), scsi0="explicit 'media=cdrom' is required for iso images")
    refused(client("POST", QEMU, {**VM, "scsi0": "/dev/sda"}), 500, "Only root can pass arbitrary filesystem paths.")
    refused(client("POST", QEMU, {**VM, "args": "-x"}), 500, "only root can set 'args' config")
    invalid(client("POST", QEMU, {**VM, "name": "a_b"}), name="invalid format - value does not look like a valid DNS name")
    same((300 in world.cluster.guests, world.admin.get("/nodes/pve1/storage/local-lvm/content", vmid=300)), (False, []))


@case
def a_full_storage_undoes_the_vm(world):
    client = ready(world)
    world.cluster.storages["local-lvm"]["used"] = world.cluster.storages["local-lvm"]["total"]
    found = task(world, client, client("POST", QEMU, VM))
    assert found.startswith("unable to create VM 300 - ") and 300 not in world.cluster.guests, found


@case
def bridges(world):
    """Listed are those that the token may use; a guest may be made with one that its node lacks."""
    client = ready(world)
    names = lambda who: [one["iface"] for one in who.get("/nodes/pve1/network", type="any_bridge")]
    world.cluster.nodes["pve1"]["bridges"] = ["vmbr0", "vmbr1"]
    same((names(client), names(world.admin), names(world.powerless)), (["vmbr0"], ["vmbr0", "vmbr1"], []))
    world.add_role("Net", "SDN.Use")
    world.grant("/sdn/zones/localnetwork/vmbr1/20", "Net", "builder@pve")
    world.grant("/sdn/zones/localnetwork/vmbr7", "Net", "builder@pve")
    same(names(client), ["vmbr0", "vmbr1"])
    same(task(world, client, client("POST", QEMU, {**VM, "net0": "virtio,bridge=vmbr7"})), "OK")
    same(task(world, client, client("POST", QEMU + "/300/status/start")),
         "OK" if world.version == 8 else "bridge 'vmbr7' does not exist")


@case
def templates(world):
    client = ready(world)
    template(world, client)
    config = world.config(300)
    same((config["template"], config["scsi0"].split(",")[0]), ("1", "local-lvm:base-300-disk-0"))
    refused(client("POST", QEMU + "/300/template"), 500, "you can't convert a template to a template")
    same(task(world, client, client("POST", QEMU + "/300/status/start")), "you can't start a vm if it's a template")
    refused(world.admin("POST", QEMU + "/101/template"), 500, "you can't convert a VM to template if VM is running")


@case
def clones(world):
    client = ready(world)
    template(world, client)
    done(client("PUT", QEMU + "/300/config", {"tags": "a", "description": "d", "smbios1": "uuid=" + "1" * 8 + "-1111-1111-1111-" + "1" * 12
                                              + ",serial=abc"}))
    before = world.config(300)
    same(task(world, client, client("POST", QEMU + "/300/clone", {"newid": "310", "name": "n1", "pool": "k8s"})), "OK")
    new = world.config(310)
    same((new["name"], new["tags"], new["description"], "template" in new), ("n1", "a", "d", False))
    assert new["smbios1"] != before["smbios1"] and "serial=abc" in new["smbios1"] and new["vmgenid"] != before["vmgenid"], new
    assert new["net0"] != before["net0"] and new["ide2"].startswith("local-lvm:vm-310-cloudinit"), new
    refused(client("POST", QEMU + "/300/clone", {"newid": "311", "name": "n2"}), 403, "Permission check failed")
    refused(client("POST", QEMU + "/300/clone", {"newid": "311", "pool": "k8s", "storage": "store"}), 500,
            "parameter 'storage' not allowed for linked clones")
    full = {"newid": "311", "pool": "k8s", "full": "1", "storage": "store", "format": "qcow2"}
    same(task(world, client, client("POST", QEMU + "/300/clone", full)), "OK")
    same(world.config(311)["scsi0"].split(",")[0], "store:311/vm-311-disk-0.qcow2")
    refused(client("POST", QEMU + "/300/clone", {"newid": "312", "pool": "k8s", "target": "pve2"}), 500,
            "can't clone VM to node 'pve2' (VM uses local storage)")
    refused(client("POST", QEMU + "/310/clone", {"newid": "312", "pool": "k8s", "full": "0"}), 500,
            "Linked clone feature is not supported for 'local-lvm:vm-310-disk-0' (scsi0)")


@case
def while_a_clone_is_made_both_are_locked(world):
    client = ready(world)
    template(world, client)
    world.tasks.held.add("qmclone")
    first, second = (done(client("POST", QEMU + "/300/clone", {"newid": newid, "pool": "k8s"})) for newid in ("310", "311"))
    world.wait(lambda: {310, 311} <= set(world.cluster.guests))
    same(world.config(310), {"lock": "clone"})
    world.cluster.lock_seconds = 0.1
    refused(client("PUT", QEMU + "/300/config", {"tags": "x"}), 500, "can't lock file '/var/lock/qemu-server/lock-300.conf' - got timeout")
    same(client.get(f"/nodes/pve1/tasks/{first}/status")["status"], "running")
    world.tasks.held.clear()
    world.wait(lambda: world.tasks.tasks[first].exitstatus == world.tasks.tasks[second].exitstatus == "OK")


@case
def a_disk_that_cannot_be_removed(world):
    """The guest ends all the same, and says so in its log; the disk and the number stay taken."""
    client = ready(world)
    template(world, client)
    world.volumes.stuck.add("local-lvm:vm-300-cloudinit")
    upid = done(client("DELETE", QEMU + "/300"))
    world.wait(lambda: world.tasks.tasks[upid].exitstatus)
    same(client.get(f"/nodes/pve1/tasks/{upid}/status")["exitstatus"], "OK" if world.version == 8 else "WARNINGS: 1")
    log = [line["t"] for line in client.get(f"/nodes/pve1/tasks/{upid}/log")]
    prefix = "" if world.version == 8 else "WARN: "
    assert any(line.startswith(f"{prefix}Could not remove disk 'local-lvm:vm-300-cloudinit', check manually") for line in log), log
    same(300 in world.cluster.guests, False)
    same([one["volid"] for one in world.admin.get("/nodes/pve1/storage/local-lvm/content", vmid=300)], ["local-lvm:vm-300-cloudinit"])
    for _ in range(2):
        same(world.admin.get("/cluster/nextid", vmid=300), "300")
        same(task(world, client, client("POST", QEMU, VM)),
             "unable to create VM 300 - lvcreate 'local-lvm/vm-300-cloudinit' error:   Logical Volume \"vm-300-cloudinit\" already exists "
             "in volume group \"local-lvm\"")


@case
def what_an_earlier_guest_left(world):
    """Disks take the next number, a cloud-init drive has one name only."""
    client = ready(world)
    template(world, client)
    world.volumes.add("store:310/vm-310-disk-0.qcow2", "pve1", "images", "qcow2", 1 << 20, vmid=310)
    full = {"newid": "310", "pool": "k8s", "full": "1", "storage": "store", "format": "qcow2"}
    same(task(world, client, client("POST", QEMU + "/300/clone", full)), "OK")
    same(world.config(310)["scsi0"].split(",")[0], "store:310/vm-310-disk-1.qcow2")
    world.add_left_over("store", 311)
    same(task(world, client, client("POST", QEMU + "/300/clone", {**full, "newid": "311"})),
         "clone failed: disk image '/mnt/pve/store/images/311/vm-311-cloudinit.qcow2' already exists")
    same(world.admin.get("/cluster/nextid", vmid=311), "311")


@case
def a_base_in_use_is_not_destroyed(world):
    client = ready(world)
    world.grant("/storage/store", "PVEDatastoreAdmin", "builder@pve")
    same(task(world, client, client("POST", QEMU, {**VM, "scsi0": VM["scsi0"].replace("local-lvm:0", "store:0")})), "OK")
    same(task(world, client, client("POST", QEMU + "/300/template")), "OK")
    same(task(world, client, client("POST", QEMU + "/300/clone", {"newid": "310", "pool": "k8s"})), "OK")
    same(world.config(310)["scsi0"].split(",")[0], "store:300/base-300-disk-0.qcow2/310/vm-310-disk-0.qcow2")
    same(task(world, client, client("DELETE", QEMU + "/300")),
         "base volume 'store:300/base-300-disk-0.qcow2' is still in use by linked cloned")
    same(task(world, client, client("DELETE", QEMU + "/310")), "OK")
    same(task(world, client, client("DELETE", QEMU + "/300")), "OK")
    same([volume for volume in world.volumes.known.values() if volume.vmid in (300, 310)], [])


@case
def destroying(world):
    client = ready(world)
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    world.grant("/vms/300", "Reader", "agent@pve!vm101")
    done(client("PUT", QEMU + "/300/config", {"protection": "1"}))
    refused(client("DELETE", QEMU + "/300"), 500, "can't remove VM 300 - protection mode enabled")
    done(client("PUT", QEMU + "/300/config", {"delete": "protection"}))
    same(task(world, client, client("POST", QEMU + "/300/status/start")), "OK")
    refused(client("DELETE", QEMU + "/300"), 500, "VM 300 is running - destroy failed")
    same(task(world, client, client("POST", QEMU + "/300/status/stop")), "OK")
    same(task(world, client, client("DELETE", QEMU + "/300")), "OK")
    assert "/vms/300" not in world.cluster.acl.entries and 300 not in world.cluster.directory.pools["k8s"].vms


class Seen(list):
    """A hypervisor that only writes down what it is asked for."""

    def __getattr__(self, verb):
        return lambda _, guest: self.append(f"{verb} {guest.vmid}")


@case
def a_hypervisor_runs_what_is_on(world):
    client = ready(world)
    seen = world.hypervisor = Seen()
    same(task(world, client, client("POST", QEMU + "/102/status/start")), "OK")
    same(task(world, client, client("POST", QEMU + "/102/status/start")), "VM 102 already running")
    same(client.get(QEMU + "/102/status/current")["status"], "running")
    done(client("PUT", QEMU + "/102/config", {"tags": "on"}))
    same(task(world, client, client("POST", QEMU + "/102/status/shutdown")), "OK")
    done(client("PUT", QEMU + "/102/config", {"tags": "off"}))
    same(seen, ["start 102", "changed 102", "stop 102"])
    same(task(world, client, client("POST", QEMU + "/102/status/start")), "OK")
    world.went_off(world.cluster.guests[102])
    same(client.get(QEMU + "/102/status/current")["status"], "stopped")
    refused(world.agent("POST", QEMU + "/101/status/stop"), 403, "Permission check failed (/vms/101, VM.PowerMgmt)")


@case
def what_only_a_start_finds_out(world):
    client = ready(world)
    done(client("PUT", QEMU + "/102/config", {"cicustom": "user=store:snippets/none.yaml"}))
    same(task(world, client, client("POST", QEMU + "/102/status/start")), "volume 'store:snippets/none.yaml' does not exist")
    done(client("PUT", QEMU + "/102/config", {"delete": "cicustom"}))
    world.edit(102, net0="virtio=BC:24:11:00:00:09,bridge=vmbr9")
    same(task(world, client, client("POST", QEMU + "/102/status/start")), "OK" if world.version == 8 else "bridge 'vmbr9' does not exist")


@case
def a_seed_comes_and_goes(world):
    client = ready(world)
    world.add_file("store:iso/seed.iso", size=372 << 10)
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    done(client("PUT", QEMU + "/300/config", {"ide0": "store:iso/seed.iso,media=cdrom"}))
    same((world.config(300)["ide0"], world.config(300)["boot"]), ("store:iso/seed.iso,media=cdrom,size=372K", "order=scsi0;ide0"))
    same(task(world, client, client("POST", QEMU + "/300/status/start")), "OK")
    done(client("PUT", QEMU + "/300/config", {"delete": "ide0"}))  # no hotplug: it stays until the VM stops
    assert "ide0" in world.config(300) and "ide0" not in client.get(QEMU + "/300/config")
    assert "ide0" in client.get(QEMU + "/300/config", current=1)
    done(client("PUT", QEMU + "/300/config", {"ide0": "none,media=cdrom"}))  # but the disc may be taken out
    same(world.config(300)["ide0"], "none,media=cdrom")
    refused(client("PUT", QEMU + "/300/config", {"ide1": "store:iso/none.iso,media=cdrom"}), 500,
            "volume 'store:iso/none.iso' does not exist")


@case
def disks_that_go_become_unused(world):
    client = ready(world)
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    done(client("PUT", QEMU + "/300/config", {"delete": "scsi0,ide2"}))
    config = world.config(300)
    same((config.get("scsi0"), config.get("ide2"), config["unused0"]), (None, None, "local-lvm:vm-300-disk-0"))
    same([one["volid"] for one in world.admin.get("/nodes/pve1/storage/local-lvm/content", vmid=300)], ["local-lvm:vm-300-disk-0"])
    done(client("PUT", QEMU + "/300/config", {"delete": "unused0"}))
    same(world.admin.get("/nodes/pve1/storage/local-lvm/content", vmid=300), [])


@case
def disks_grow_and_never_shrink(world):
    client = ready(world)
    same(task(world, client, client("POST", QEMU, VM)), "OK")
    resize = QEMU + "/300/resize"
    same(task(world, client, client("PUT", resize, {"disk": "scsi0", "size": "+5G"})), "OK")
    same(world.config(300)["scsi0"], "local-lvm:vm-300-disk-0,discard=on,iothread=1,size=8G")
    same(task(world, client, client("PUT", resize, {"disk": "scsi0", "size": "4G"})), "shrinking disks is not supported")
    same(task(world, client, client("PUT", resize, {"disk": "scsi5", "size": "4G"})), "disk 'scsi5' does not exist")
    refused(client("PUT", resize, {"disk": "scsi0", "size": "4X"}), 400, None)
