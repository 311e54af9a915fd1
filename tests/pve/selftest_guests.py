# SPDX-License-Identifier: Apache-2.0
"""Configurations: what is kept of what was sent, digests, locks, and the right that each option needs."""
import threading
import time

from .selftest import CONFIG, LXC_CONFIG, SMBIOS, Cases, done, invalid, refused, same

case = Cases()
cases = case.of

TAGS = (("K8s,B-c;a_x.y+z", "a_x.y+z;b-c;k8s"), ("b a  b", "a;b"), ("x" * 300, "x" * 300), ("A;a", "a"))
BAD_TAGS = ("a=b", "a:b", "a/b", "-a", ".a", "ä", "a;+b")
NOTES_QEMU = (("x", "x"), ("x\n\n \t\n", "x"), ("a \n\n\tb: 100% #1\n# c", "a \n\n\tb: 100% #1\n# c"), ("Grüße € 𝄞", "Grüße € 𝄞"),
              ("\n\nx", "\n\nx"), ("a\r\nb", "a\r\nb"))
NOTES_LXC = (("x", "x\n"), ("x\n\n\n", "x\n"), ("x  ", "x  \n"), ("a\n\n\tb: %\n", "a\n\n\tb: %\n"))
RIGHTS = (({"memory": "1024"}, "VM.Config.Memory"), ({"cores": "4"}, "VM.Config.CPU"), ({"smbios1": SMBIOS}, "VM.Config.HWType"),
          ({"net1": "virtio,bridge=vmbr0"}, "VM.Config.Network"), ({"boot": "order=scsi0"}, "VM.Config.Disk"),
          ({"ciuser": "x"}, "VM.Config.Cloudinit|VM.Config.Network"), ({"delete": "memory"}, "VM.Config.Memory"),
          ({"serial1": "socket"}, "VM.Config.HWType"), ({"ide2": "none,media=cdrom"}, "VM.Config.CDROM"),
          ({"scsi1": "local-lvm:vm-101-disk-0"}, "VM.Config.Disk"), ({"delete": "scsi0"}, "VM.Config.Disk"))
INVALID = ((("name", "a_b"), "invalid format - value does not look like a valid DNS name"),
           (("name", "-a"), "invalid format - value does not look like a valid DNS name"),
           (("description", "x" * 8193), "value may only be 8192 characters long"), (("nope", "1"), None), (("onboot", "yes"), None),
           (("cores", "0"), "value must have a minimum value of 1"), (("cores", "two"), "type check ('integer') failed - got 'two'"),
           (("bios", "efi"), "value 'efi' does not have a value in the enumeration 'seabios, ovmf'"),
           (("digest", "x" * 41), "value may only be 40 characters long"), (("net40", "virtio"), None),
           (("delete", "a=b"), "invalid format - invalid configuration ID 'a=b'"))
UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"


@case
def tags_are_sorted_lower_case_and_unique(world):
    for sent, kept in TAGS:
        done(world.agent("PUT", CONFIG, {"tags": sent}))
        same(world.agent.get(CONFIG)["tags"], kept, sent)
        done(world.admin("PUT", LXC_CONFIG, {"tags": sent}))
        same(world.admin.get(LXC_CONFIG)["tags"], kept, sent)


@case
def bad_tags_are_400(world):
    for tags in BAD_TAGS:
        for path in (CONFIG, LXC_CONFIG):
            invalid(world.admin("PUT", path, {"tags": tags}), tags="invalid format - invalid characters in tag")


@case
def tag_style_and_registered_tags(world):
    world.cluster.datacenter.update({"registered-tags": ["gold"], "tag-style": {"case-sensitive": True, "ordering": "config"}})
    done(world.agent("PUT", CONFIG, {"tags": "b;A;a"}))
    same(world.config(101)["tags"], "b;A;a")
    refused(world.agent("PUT", CONFIG, {"tags": "b;gold"}), 403, "Permission check failed (/, Sys.Modify for modifying tag 'gold')")
    done(world.admin("PUT", CONFIG, {"tags": "b;gold"}))
    done(world.agent("PUT", CONFIG, {"tags": "c;gold"}))
    world.cluster.datacenter["user-tag-access"] = {"user-allow": "list", "user-allow-list": ["d"]}
    done(world.agent("PUT", CONFIG, {"tags": "c;d;gold"}))
    refused(world.agent("PUT", CONFIG, {"tags": "c;e;gold"}), 403, None)


@case
def notes_of_vms_lose_white_space_at_the_end(world):
    for sent, kept in NOTES_QEMU:
        done(world.agent("PUT", CONFIG, {"description": sent}))
        same(world.agent.get(CONFIG)["description"], kept, repr(sent))


@case
def notes_of_containers_end_in_one_line_break(world):
    for sent, kept in NOTES_LXC:
        done(world.admin("PUT", LXC_CONFIG, {"description": sent}))
        same(world.admin.get(LXC_CONFIG)["description"], kept, repr(sent))


@case
def long_notes_are_counted_in_characters(world):
    done(world.agent("PUT", CONFIG, {"description": "€" * 8192}))
    same(len(world.config(101)["description"]), 8192)


@case
def empty_values_are_no_values(world):
    done(world.agent("PUT", CONFIG, {"description": "kept", "tags": "gone"}))
    done(world.agent("PUT", CONFIG, body=b"description=&tags="))
    same((world.config(101)["description"], world.config(101)["tags"]), ("kept", " "))
    refused(world.agent("PUT", CONFIG, body=b"name="), 500, "unable to parse value of 'name' - got undefined value")
    done(world.agent("PUT", CONFIG, {"delete": "description"}))
    same(world.config(101).get("description"), None)


@case
def invalid_parameters_are_400_with_errors(world):
    for (name, value), why in INVALID:
        why = why or (UNKNOWN if name != "onboot" else "type check ('boolean') failed - got 'yes'")
        invalid(world.admin("PUT", CONFIG, {name: value}), **{name: why})
    invalid(world.admin("PUT", CONFIG, {"nope": "1", "name": "a_b"}), nope=UNKNOWN,
            name="invalid format - value does not look like a valid DNS name")
    invalid(world.admin("PUT", LXC_CONFIG, {"name": "a"}), name=UNKNOWN)
    invalid(world.admin("PUT", CONFIG, {"delete": "nope"}), delete="unknown option 'nope'")
    invalid(world.admin("PUT", CONFIG, {"delete": "tags", "tags": "a"}), delete="you can't use '-tags' and -delete tags' at the same time")
    invalid(world.admin("PUT", CONFIG, body=b"net1=virtio,bridge=vmbr0"),
            net1="invalid format - duplicate key in comma-separated list property: model") if schema_file() else None


def schema_file():
    import os
    return os.environ.get("NODEKILN_PVE_SCHEMA")


@case
def smbios1_is_short_and_checked(world):
    invalid(world.admin("PUT", CONFIG, {"smbios1": "serial=" + "x" * 510}), smbios1="value may only be 512 characters long")
    invalid(world.admin("PUT", CONFIG, {"smbios1": "colour=red"}),
            smbios1="invalid format - invalid key in comma-separated list property: colour")
    done(world.admin("PUT", CONFIG, {"smbios1": SMBIOS + ",base64=1,serial=dm1pZD0xMDE="}))


@case
def options_are_typed_as_they_are_described(world):
    shown = world.agent.get(CONFIG)
    same((shown["memory"], shown["cores"], shown["name"]), ("2048", 2, "node-1"))
    same((world.admin.get(LXC_CONFIG)["memory"], world.admin.get(LXC_CONFIG)["unprivileged"]), (512, 1))


@case
def a_digest_makes_it_compare_and_swap(world):
    first = world.agent.get(CONFIG)["digest"]
    same(len(first), 40)
    done(world.agent("PUT", CONFIG, {"description": "one", "digest": first}))
    refused(world.agent("PUT", CONFIG, {"description": "two", "digest": first}), 500, "checksum mismatch (file change by other user?)")
    done(world.agent("PUT", CONFIG, {"tags": "a"}))
    same(world.config(101), {**world.config(101), "description": "one", "tags": "a"})
    first = world.admin.get(LXC_CONFIG)["digest"]
    world.edit(200, tags="other")
    refused(world.admin("PUT", LXC_CONFIG, {"description": "x", "digest": first}), 500,
            "detected modified configuration - file changed by other user? Try again.")


@case
def somebody_edits_between_get_and_put(world):
    world.edit_after(101, description="theirs")
    digest = world.agent.get(CONFIG)["digest"]
    refused(world.agent("PUT", CONFIG, {"description": "ours", "digest": digest}), 500, "checksum mismatch (file change by other user?)")
    digest = world.agent.get(CONFIG)["digest"]
    done(world.agent("PUT", CONFIG, {"description": "ours", "digest": digest}))


@case
def of_two_with_one_digest_one_wins(world):
    digest = world.agent.get(CONFIG)["digest"]
    replies = []
    threads = [threading.Thread(target=lambda i=i: replies.append(world.agent("PUT", CONFIG, {"description": f"n{i}", "digest": digest})))
               for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(sorted(reply.status for reply in replies), [200] + [500] * 5)


@case
def locked_guests_are_500(world):
    world.edit(101, lock="backup")
    world.edit(200, lock="backup")
    refused(world.agent("PUT", CONFIG, {"tags": "a"}), 500, "VM is locked (backup)")
    refused(world.admin("PUT", LXC_CONFIG, {"tags": "a"}), 500, "CT is locked (backup)")
    same(world.agent.get("/cluster/resources", type="vm")[0]["lock"], "backup")
    world.edit(101, delete=["lock"])
    done(world.agent("PUT", CONFIG, {"tags": "a"}))


@case
def a_held_flock_times_out_or_is_waited_for(world):
    same(world.cluster.lock_seconds, 10.0)
    world.cluster.lock_seconds, guest = 0.3, world.cluster.guests[101]
    guest.held = True
    refused(world.agent("PUT", CONFIG, {"tags": "a"}), 500, "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout")
    world.cluster.lock_seconds = 10
    threading.Timer(0.2, lambda: setattr(guest, "held", False)).start()
    done(world.agent("PUT", CONFIG, {"tags": "a"}))


@case
def post_config_is_a_task(world):
    upid = done(world.agent("POST", CONFIG, {"tags": "z;y"}))
    assert upid.startswith("UPID:pve1:") and upid.endswith(":qmconfig:101:agent@pve!vm101:"), upid
    world.wait(lambda: world.tasks.tasks[upid].exitstatus)
    same((world.agent.get(f"/nodes/pve1/tasks/{upid}/status")["exitstatus"], world.config(101)["tags"]), ("OK", "y;z"))
    guest, world.cluster.lock_seconds = world.cluster.guests[101], 0.1
    guest.held = True
    reply = world.agent("POST", CONFIG, {"tags": "x"})
    text = "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"
    if world.version == 8:
        refused(reply, 500, text)
        return
    upid = done(reply)
    world.wait(lambda: world.tasks.tasks[upid].exitstatus)
    same(world.tasks.tasks[upid].exitstatus, text)


@case
def no_quorum_no_write(world):
    world.cluster.quorum = False
    refused(world.agent("PUT", CONFIG, {"tags": "a"}), 500, "cluster not ready - no quorum?")
    done(world.agent("GET", CONFIG))


@case
def each_option_needs_its_right(world):
    for values, privilege in RIGHTS:
        refused(world.agent("PUT", CONFIG, values), 403, f"Permission check failed (/vms/101, {privilege})")
    for values in ({"args": "-x"}, {"lock": "backup"}):
        refused(world.admin("PUT", CONFIG, values), 500, f"only root can set '{next(iter(values))}' config")
    refused(world.admin("PUT", CONFIG, {"serial2": "/dev/ttyS0"}), 500, "only root can modify 'serial2' config for real devices")
    invalid(world.admin("PUT", CONFIG, {"skiplock": "1", "tags": "a"}), skiplock="Only root may use this option.")
    done(world.agent("PUT", CONFIG, {"name": "renamed", "description": "d", "tags": "t"}))


@case
def what_tokens_may_never_set_on_containers(world):
    for values, why in (({"features": "nesting=1,keyctl=1"}, "changing feature flags (except nesting) is only allowed for root@pam"),
                        ({"dev0": "/dev/kmsg"}, "configuring device passthrough is only allowed for root@pam"),
                        ({"hookscript": "local:snippets/x"}, "changing the hookscript is only allowed for root@pam"),
                        ({"mp0": "/etc,mp=/mnt"}, "mount point type bind is only allowed for root@pam")):
        refused(world.admin("PUT", LXC_CONFIG, values), 403, f"Permission check failed ({why})")
    done(world.admin("PUT", LXC_CONFIG, {"features": "nesting=0"}))
    refused(world.admin("PUT", LXC_CONFIG, {"unprivileged": "0"}), 500, "unable to modify read-only option: 'unprivileged'")


@case
def startup_needs_the_node(world):
    refused(world.agent("PUT", CONFIG, {"startup": "order=1"}), 403, "Permission check failed (/, Sys.Modify)")


@case
def running_vms_keep_some_changes_for_later(world):
    digest = world.agent.get(CONFIG)["digest"]
    done(world.admin("PUT", CONFIG, {"memory": "4096", "name": "now"}))
    same((world.config(101)["memory"], world.config(101)["name"]), ("2048", "now"))
    shown = world.agent.get(CONFIG)
    assert shown["memory"] == "4096" and shown["digest"] != digest


@case
def latency_and_hanging(world):
    world.latency = 0.2
    started = time.monotonic()
    done(world.agent("GET", CONFIG))
    assert time.monotonic() - started >= 0.2
