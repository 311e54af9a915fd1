#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A guest at the Proxmox VE API, as 8 and as 9: the agent's own code (tests/agent/registrar.c) against the fake API, over TLS.
registration.py [PATTERN] runs the cases whose name has PATTERN in it."""
import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from harness.cases import Failed, check
from pve.server import FakePve

TOP = Path(__file__).resolve().parent.parent.parent
UUID = "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f"
MAC = "bc:24:11:00:00:01"
SMBIOS = f"uuid={UUID.upper()}"
NET = f"virtio={MAC.upper()},bridge=vmbr0"
KINDS = {"qemu": {"smbios1": SMBIOS}, "lxc": {"net0": f"name=eth0,bridge=vmbr0,hwaddr={MAC.upper()},ip=dhcp"}}
OUT = TOP / ("out/asan" if os.environ.get("ASAN") else "out")
LIBRARIES = ("libcurl", "yaml-0.1", "json-c", "libssl", "libcrypto", "blkid")
PEAK_KIB = 13 << 10  # of all; 7 MiB are pages of libcurl's many libraries, mapped before main()


def build(directory):
    libraries = subprocess.run(["pkg-config", "--cflags", "--libs", *LIBRARIES], check=True, capture_output=True, text=True).stdout.split()
    sanitizers = ["-fsanitize=address,undefined"] if os.environ.get("ASAN") else []
    program = directory / "registrar"
    subprocess.run(["gcc", "-std=gnu17", "-O2", "-I.", "-D_GNU_SOURCE", *sanitizers, "-o", program, "tests/agent/registrar.c",
                    OUT / "libagent.a", OUT / "libnodekiln.a", "-Wl,--as-needed", *libraries], check=True, cwd=TOP)
    return program


class Guest:
    """One running registrar. guest("find") gives the answer; must() and fails() check it."""

    def __init__(self, program, directory, pve, token, keys="", uuid=UUID, container="-", macs=(MAC,), role="init", trust=None, url=None):
        who, secret = token.split("=")
        self.secret = secret
        file = Path(tempfile.mkstemp(dir=directory, suffix=".yaml")[1])
        trust = trust or "ca: " + json.dumps(pve.ca.read_text())
        more = "" if role == "init" else "token: abcdef.0123456789abcdef\n"
        more += f"certificate_key: {'0f' * 32}\n" if role == "control-plane" else ""
        file.write_text(f"cluster: lab\nrole: {role}\n{more}proxmox:\n  url: {url or pve.url}\n  token_id: {who}\n"
                        f"  token_secret: {secret}\n  {trust}\n{keys}")
        environment = dict(os.environ, https_proxy="http://127.0.0.1:1", ALL_PROXY="http://127.0.0.1:1")
        self.process = subprocess.Popen([program, directory, file, uuid, container, *macs], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)

    def __call__(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        check(line, f"{command}: it ended: {self.process.stderr.read()[-2000:] if not line else ''}")
        check(self.secret not in line, f"{command}: the secret is in the answer")
        return json.loads(line)

    def must(self, *commands):
        for command in commands:
            answer = self(command)
            check(answer["ok"], f"{command}: {answer.get('error')}")
        return answer

    def fails(self, command, failure, *words):
        answer = self(command)
        check(not answer["ok"] and answer["failure"] == failure, f"{command}: {answer}, not {failure}")
        for word in words:
            check(word in answer["error"], f"{command}: no '{word}' in: {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()
        errors = self.process.stderr.read()
        code = self.process.wait(10)
        self.process.stdout.close()
        check(code == 0 and not errors, f"exit status {code}: {errors[-2000:]}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                stream.close()


class Lab:
    """A fake PVE with a pool, a role for agents, and this guest (101)."""

    def __init__(self, program, directory, version):
        self.program, self.directory, self.version = program, directory, version
        self.pve = FakePve(version, directory=directory / f"pve{version}", nodes=("pve2",), auth_delay=0.2)
        self.guests = []

    def __enter__(self):
        self.pve.up()
        self.pve.add_pool("k8s")
        self.pve.add_role("GuestAgent", "VM.Audit VM.Config.Options")
        self.pve.add_role("Looker", "VM.Audit")
        self.pve.add_user("agent@pve")
        self.pve.grant("/pool/k8s", "GuestAgent", "agent@pve")
        return self

    def __exit__(self, *_):
        for guest in self.guests:
            guest.kill()
        self.pve.down()

    def add(self, vmid=101, kind="qemu", **options):
        return self.pve.add_vm(vmid, kind=kind, pool="k8s", **options)

    def token(self, vmid=101, pool=True):
        """What deploy gives a guest: its own VM, and a look at the others of the pool."""
        token = self.pve.add_token("agent@pve", f"vm{vmid}")
        self.pve.grant(f"/vms/{vmid}", "GuestAgent", f"agent@pve!vm{vmid}", propagate=0)
        if pool:
            self.pve.grant("/pool/k8s", "Looker", f"agent@pve!vm{vmid}")
        return token

    def guest(self, token=None, **more):
        self.guests.append(Guest(self.program, self.directory, self.pve, token or self.token(), **more))
        return self.guests[-1]

    def config(self, vmid=101):
        return self.pve.config(vmid)

    def tags(self, vmid=101):
        return set(self.config(vmid).get("tags", "").split(";"))

    def line(self, vmid=101):
        found = re.findall(r"^nodekiln: (.*)$", self.config(vmid).get("description", ""), re.M)
        check(len(found) == 1, f"{len(found)} lines in the notes")
        return json.loads(found[0])

    def entries(self, method=None):
        """Once each: the journal has an error of the server's own layer twice, the second time without who asked."""
        return [entry for entry in self.pve.journal.find(method) if entry.who or entry.status == 401]

    def requests(self, method=None):
        return len(self.entries(method))


def first_boot(lab, kind):
    notes = "Ask **Ann** \nbefore you touch it.  \n\nGrüße; a=b & 100%"
    lab.add(kind=kind, tags="Prod;k8s.mine", description=notes, **KINDS[kind])
    guest = lab.guest(container="lxc" if kind == "lxc" else "-", uuid="-" if kind == "lxc" else UUID)
    check(guest.must("find")["vmid"] == 101, "not 101")
    for state in ("booting", "joining", "ready"):
        guest.must(f"write {state}")
        check({"k8s.cluster.lab", "k8s.role.init", f"k8s.state.{state}", "k8s.mine"} <= lab.tags(), f"tags: {lab.tags()}")
        check({tag.lower() for tag in lab.tags()} == {"prod", "k8s.mine", "k8s.cluster.lab", "k8s.role.init", f"k8s.state.{state}"},
              f"tags: {lab.tags()}")
        check(lab.line()["state"] == state and lab.line()["vmid"] == 101, str(lab.line()))
        check(lab.config()["description"].startswith(notes + "\n\nnodekiln: {"), lab.config()["description"])
    written = lab.requests("PUT")
    guest.must("write ready")
    check(lab.requests("PUT") == written == 3, f"{lab.requests('PUT')} writes")
    for entry in lab.pve.journal.find("PUT"):
        check(set(entry.values) - {"node", "vmid"} <= {"tags", "description", "digest"}, f"it writes {set(entry.values)}")
    guest.close()


def case_first_boot_of_a_vm(lab):
    first_boot(lab, "qemu")


def case_first_boot_of_a_container(lab):
    first_boot(lab, "lxc")


def case_it_finds_itself(lab):
    """By uuid or MAC among others; by being the only one; by its configured VMID, wherever it is."""
    lab.add(**KINDS["qemu"])
    lab.add(102, smbios1=f"uuid={UUID[:-1]}0", net0=f"virtio={MAC.upper()},bridge=vmbr0")
    lab.add(103, smbios1=SMBIOS, template=1)
    lab.add(104, kind="lxc", net0=f"name=eth0,bridge=vmbr0,hwaddr={MAC}")
    check(lab.guest().must("find")["vmid"] == 101, "by uuid")
    check(lab.guest(uuid="-", container="lxc", macs=("00:00:00:00:00:01", MAC)).must("find")["vmid"] == 104, "by MAC")
    lab.pve.edit(101, net0=NET)
    lab.guest(uuid="-").fails("find", "ok", "2 guests", "proxmox.vmid")
    lab.guest(uuid=UUID[:-1] + "7", macs=()).fails("find", "ok", "none of the 4 guests", "proxmox.vmid")
    check(lab.guest(uuid="-", keys="  vmid: 102\n").must("find")["vmid"] == 102, "by configuration")
    lab.guest(keys="  vmid: 999\n").fails("find", "ok", "guest 999", "VM.Audit")


def case_a_token_of_one_guest(lab):
    lab.add(memory=2048)
    lab.add(102, smbios1=SMBIOS)
    check(lab.guest(lab.token(101, pool=False)).must("find")["vmid"] == 101, "the only one it sees")
    lab.pve.edit(101, smbios1=f"uuid={UUID[:-1]}0")
    lab.guest(lab.token(101, pool=False)).fails("find", "ok", "none of the 1 guests")


def case_somebody_was_quicker(lab):
    lab.add(description="first", **KINDS["qemu"])
    guest = lab.guest()
    guest.must("find")
    lab.pve.edit_after(101, times=3, description="second", tags="theirs")
    guest.must("write booting")
    check(lab.config()["description"].startswith("second\n\nnodekiln: ") and "theirs" in lab.tags(), str(lab.config()))
    check(len(lab.pve.journal.find("PUT", status=500)) in (1, 2, 3), "no conflict was met")
    count = iter(range(100))
    lab.pve.edit_after(101, times=20, description=lambda: f"busy {next(count)}")
    answer = guest.fails("write joining", "conflict", "guest 101")
    check(answer["seconds"] < 15, f"{answer['seconds']} s")


def case_it_moves(lab):
    lab.add(**KINDS["qemu"])
    guest = lab.guest()
    guest.must("find", "write booting")
    lab.pve.migrate(101, "pve2")
    guest.must("write joining")
    check(lab.line()["state"] == "joining", "not written")
    guest.must("members")
    lab.pve.cluster.remove_guest(101)
    guest.fails("write ready", "forbidden", "guest 101")  # its access list went with it


def case_a_token_that_is_refused_is_not_tried_again(lab):
    lab.add(**KINDS["qemu"])
    token = lab.token()
    guest = lab.guest(token)
    guest.must("find", "write booting")
    lab.pve.invalidate(token)
    guest.fails("write joining", "unauthorized", "401", "agent@pve!vm101")
    asked = lab.requests()
    for command in ("write ready", "members", "write failed"):
        guest.fails(command, "unauthorized", "refused")
    check(lab.requests() == asked, "it asked again")


def case_a_missing_right_is_named(lab):
    lab.add(**KINDS["qemu"])
    token = lab.pve.add_token("agent@pve", "reader")
    lab.pve.grant("/vms/101", "Looker", "agent@pve!reader", propagate=0)
    guest = lab.guest(token)
    guest.must("find")
    guest.fails("write booting", "forbidden", "/vms/101", "VM.Config.Options", "agent@pve!reader")
    lab.guest(lab.pve.add_token("agent@pve", "nothing")).fails("find", "ok", "sees no guest", "VM.Audit")


def case_who_may_not_look_is_told(lab):
    lab.add(**KINDS["qemu"])
    guest = lab.guest(lab.token(pool=False))
    guest.must("find", "write booting")
    guest.fails("members", "ok", "VM.Audit", "pool")
    lab.pve.grant("/pool/k8s", "Looker", "agent@pve!vm101")
    check([m["vmid"] for m in guest.must("members")["members"]] == [101], "members")


def case_down_and_up(lab):
    lab.add(**KINDS["qemu"])
    guest = lab.guest()
    guest.must("find", "write booting")
    lab.pve.down()
    guest.fails("write joining", "unreachable", lab.pve.url)
    lab.pve.up()
    guest.must("write joining")
    check(lab.line()["state"] == "joining", "not written")


def case_a_kept_connection_closes(lab):
    lab.add(**KINDS["qemu"])
    lab.pve.idle = 0.3
    guest = lab.guest()
    for _ in range(3):
        guest.must("find", "members")
        time.sleep(0.6)


def case_no_answer_is_not_repeated(lab):
    """Whether it was carried out is unknown: so it reads first."""
    lab.add(**KINDS["qemu"])
    guest = lab.guest()
    guest.must("find")
    guest.must("write booting")
    for carry_out, then in itertools.product((True, False), ("joining", "booting")):
        for status in (596, 599, None):
            before, mark = lab.requests("PUT"), lab.line()["mark"]
            if status:
                lab.pve.faults.answer(status, method="PUT", carry_out=carry_out)
            else:
                lab.pve.faults.add("cut", method="PUT", carry_out=carry_out)
            guest.fails("write joining", "unreachable")
            check(lab.requests("PUT") == before + 1, f"{lab.requests('PUT') - before} writes")
            check((lab.line()["state"] == "joining") == carry_out, "the fault did not happen")
            under_way = lab.line()["mark"]
            guest.must(f"write {then}")
            check(lab.line()["state"] == then and lab.line()["mark"] not in (mark, under_way), "what may be under way was not overtaken")
            guest.must("write booting")


def case_locked(lab):
    lab.add(lock="backup", **KINDS["qemu"])
    guest = lab.guest()
    guest.must("find")
    guest.fails("write booting", "busy", "locked (backup)")
    lab.pve.edit(101, delete=("lock",))
    guest.must("write booting")


def case_notes_are_full(lab):
    lab.add(description="x" * 8190, **KINDS["qemu"])
    guest = lab.guest()
    guest.must("find")
    guest.fails("write booting", "ok", "8192", "shorten")
    check(lab.requests("PUT") == 0, "it wrote")


def case_trust(lab):
    lab.add(**KINDS["qemu"])
    fingerprint, token = lab.pve.fingerprint, lab.token()
    other = fingerprint[:-1] + ("0" if fingerprint[-1] != "0" else "1")
    ca = "ca: " + json.dumps(lab.pve.ca.read_text())
    stranger = FakePve(lab.version, directory=lab.directory / "stranger")
    wrong_ca = "ca: " + json.dumps(stranger.ca.read_text())
    (lab.directory / "ca.pem").write_text(lab.pve.ca.read_text())
    for trust in (ca, "ca: /ca.pem", f"fingerprints: ['{fingerprint}']", f"fingerprints: ['{other}', '{fingerprint.lower()}']",
                  f"{wrong_ca}\n  fingerprints: ['{fingerprint}']", f"{ca}\n  fingerprints: ['{other}']"):
        lab.guest(token, trust=trust).must("find")
    for trust in (wrong_ca, f"fingerprints: ['{other}']", f"{wrong_ca}\n  fingerprints: ['{other}']"):
        answer = lab.guest(token, trust=trust).fails("find", "untrusted", "certificate")
        check(answer["class"] == 6, f"class {answer['class']}")
        check(("fingerprints" not in trust) or fingerprint in answer["error"], f"no fingerprint in {answer['error']}")
    found = lab.requests()
    lab.pve.renew_certificate()
    lab.pve.cut_connections()
    lab.guest(token, trust=ca).must("find")
    lab.guest(token, trust=f"fingerprints: ['{fingerprint}']").fails("find", "untrusted", lab.pve.fingerprint)
    check(lab.requests() == found + 2, "something was sent to a server that is not trusted")


def case_trust_of_another_name(lab):
    """The address is in no certificate: only the pinned leaf will do."""
    lab.pve.down()
    with FakePve(lab.version, address=("0.0.0.0", 0)) as pve:
        pve.cluster, pve.tasks.cluster = lab.pve.cluster, lab.pve.cluster
        lab.add(**KINDS["qemu"])
        token, url = lab.token(), f"https://127.0.0.9:{pve.port}"
        ca, other = "ca: " + json.dumps(pve.ca.read_text()), "00:" * 31 + "00"
        lab.guest(token, url=url, trust=ca).fails("find", "untrusted")
        lab.guest(token, url=url, trust=f"{ca}\n  fingerprints: ['{other}']").fails("find", "untrusted")
        lab.guest(token, url=url, trust=f"fingerprints: ['{pve.fingerprint}']").must("find")


def case_members(lab):
    lab.add(**KINDS["qemu"])
    lab.add(102, tags="k8s.cluster.lab;k8s.role.worker", description='nodekiln: {"endpoint":"10.0.0.9:6443"}')
    lab.add(103, tags="k8s.cluster.other;k8s.role.init", description='nodekiln: {"claim":"init"}')
    lab.add(104, kind="lxc", status="stopped", tags="k8s.cluster.lab;k8s.role.control-plane;k8s.state.failed",
            description='nodekiln: {"state":"failed","claim":"join","vmid":104}')
    lab.add(105, template=1, tags="k8s.cluster.lab;k8s.role.init", description='nodekiln: {"claim":"init"}')
    lab.add(106, tags="k8s.cluster.lab;k8s.role.init", description='a clone\n\nnodekiln: {"claim":"init","vmid":105}')
    guest = lab.guest(role="control-plane")
    guest.must("find", "write booting")
    lab.pve.journal.clear()
    members = {m["vmid"]: m for m in guest.must("members")["members"]}
    check(set(members) == {101, 102, 104, 106}, str(set(members)))
    check(members[104]["claim"] == "join" and not members[104]["running"] and members[104]["state"] == "failed", str(members[104]))
    check(not members[106]["claim"] and not members[102]["endpoint"], "said what is not theirs to say")
    check(not lab.pve.journal.find("GET", "/102/config"), "a worker's notes were read")
    check(not lab.pve.journal.find("GET", "/103/config"), "another cluster's notes were read")


def case_one_of_many_initialises(lab):
    """As many processes at once; the first that may act publishes after a while, and all others follow it."""
    macs = {vmid: f"bc:24:11:00:00:{vmid - 100:02x}" for vmid in (101, 102, 103)}
    for vmid, mac in macs.items():
        lab.add(vmid, net0=f"virtio={mac.upper()},bridge=vmbr0")
    moves, acts, wrong = {vmid: [] for vmid in macs}, [], []

    def boot(vmid):
        guest = lab.guest(lab.token(vmid), uuid="-", macs=(macs[vmid],))
        guest.must("find", "write booting")
        until = time.monotonic() + 40
        while time.monotonic() < until and "follow" not in moves[vmid]:
            moves[vmid].append(guest.must("round init")["move"])
            if moves[vmid][-1] == "act":
                acts.append(vmid)
                time.sleep(1)
                return guest.must("publish")
            time.sleep(0.1)

    def thread(vmid):
        try:
            boot(vmid)
        except Exception as error:
            wrong.append(f"{vmid}: {error}")

    threads = [threading.Thread(target=thread, args=(vmid,)) for vmid in macs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not wrong, "; ".join(wrong))
    check(len(acts) == 1, f"{acts} acted: {moves}")
    check(all(moves[vmid][-1] == ("act" if vmid in acts else "follow") for vmid in macs), str(moves))
    check(lab.line(acts[0])["endpoint"] == "10.0.0.1:6443" and "claim" not in lab.line(acts[0]), str(lab.line(acts[0])))


def case_a_claim_of_an_earlier_life(lab):
    """It does not count, and it is not taken away either before there is a new one: its maker may have acted."""
    lab.add(**KINDS["qemu"])
    token = lab.token()
    guest = lab.guest(token)
    guest.must("find", "write booting")
    check(guest.must("round init")["move"] == "act", "no claim")
    mark = lab.line()["mark"]
    guest.kill()
    lab.pve.journal.clear()
    again = lab.guest(token)
    again.must("find")
    check(again.must("round init")["move"] == "act" and lab.line()["mark"] != mark, "the old claim was trusted")
    for entry in lab.pve.journal.find("PUT"):
        check("claim" in entry.values.get("description", "claim"), "the claim was gone for a moment")
    lab.pve.edit(101, description="a person was here")
    check(again.must("round init")["move"] == "act" and lab.line()["claim"] == "init", "it acts without a claim")
    check(lab.config()["description"].startswith("a person was here\n"), "notes")


def case_memory(lab):
    if os.environ.get("ASAN"):
        return
    lab.add(**KINDS["qemu"])
    guest = lab.guest()
    guest.must("find", "write booting", "members", "round init", "publish")
    kib = guest.must("memory")["kib"]
    print(f"# peak memory {kib} KiB")
    check(kib < PEAK_KIB, f"{kib} KiB at the peak")


def run(name, case, program, version):
    with tempfile.TemporaryDirectory(prefix="registration-") as directory:
        directory = Path(directory)
        with Lab(program, directory, version) as lab:
            case(lab)
            for entry in lab.pve.journal.entries:
                check(not any("expect" in str(header).lower() for header in entry.headers), "an Expect header")


def main():
    failed = 0
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory(prefix="registrar-") as directory:
        program = build(Path(directory))
        for key, case in list(globals().items()):
            if not key.startswith("case_") or pattern not in key:
                continue
            for version in (8, 9):
                name = f"{key.removeprefix('case_').replace('_', ' ')} ({version})"
                try:
                    run(name, case, program, version)
                    print(f"ok {name}", flush=True)
                except Failed as error:
                    failed += 1
                    print(f"not ok {name}: {error}", flush=True)
                except Exception:
                    failed += 1
                    print(f"not ok {name}: {traceback.format_exc()}", flush=True)
    sys.exit(failed != 0)


main()
