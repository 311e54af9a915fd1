#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`nodekiln seed` from outside: what the ISOs of a cluster share and which users can read them, what genisoimage sees, two runs at
once, and a seeded container template before GNU tar with Proxmox VE's options, `nodekiln inspect`, `verify` and the agent."""
import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
import uuid

from harness.build_env import GATE, RECIPE, TOP, USAGE, BuildEnv, Check, host_state, left_behind, require_root, sentences, work_directory

AGENT = TOP / "out/nodekiln-agent"
SECRET = str(uuid.uuid4())  # of this run alone: other files in /tmp may hold a constant
PVE = f"proxmox: {{url: 'https://pve.lab', token_id: kiln@pve!test, token_secret: {SECRET}}}\n"
# pve-container, LXC/Create.pm
PVE_TAR = ["--totals", "--one-file-system", "-p", "--sparse", "--numeric-owner", "--acls", "--xattrs", "--xattrs-include=user.*",
           "--xattrs-include=security.capability", "--skip-old-files", "--anchored", "--exclude", "./dev/*"]
# Comes before genisoimage in PATH and writes down all that another user of this host could see of it.
WITNESS = """#!/usr/bin/env python3
import os, sys
with open(os.environ["WITNESS"], "ab") as f:
    f.write(b"\\0".join([*map(os.fsencode, sys.argv), open("/proc/self/environ", "rb").read()]))
    for directory in (os.environ["WATCHED"], "/tmp", "/var/tmp"):
        for name in os.listdir(directory):
            path = os.path.join(directory, name)
            if os.path.isfile(path) and os.stat(path).st_mode & 0o077:
                f.write(open(path, "rb").read(1 << 20))
os.environ["PATH"] = os.environ["PATH"].split(":", 1)[1]
os.execvp("genisoimage", sys.argv)
"""


def node_yaml(directory, name, role, more=PVE):
    path = directory / f"{name}.yaml"
    path.write_text(f"cluster: lab\nrole: {role}\n{more}")
    return path


def from_iso(iso, name):
    return subprocess.run(["isoinfo", "-R", "-x", f"/{name}", "-i", iso], check=True, capture_output=True, text=True).stdout


def secret_of(text, key):
    found = re.findall(rf'^\s*{key}: "(.*)"$', text, re.M)
    return found[0] if found else None


def seed(kiln, *arguments, **environment):
    return subprocess.run(kiln.argv("seed", *arguments), cwd=kiln.out, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**kiln.environment(), **environment}, timeout=300)


def unexpected(done, code=0):
    return [] if done.returncode == code else [f"exit {done.returncode} instead of {code}: {done.stderr.strip()[-400:]}"]


def cluster(kiln):
    """Three nodes in one run; genisoimage is watched."""
    problems = []
    witness = kiln.directory / "bin"
    witness.mkdir()
    (witness / "genisoimage").write_text(WITNESS)
    (witness / "genisoimage").chmod(0o755)
    files = [node_yaml(kiln.directory, "w1", "worker"), node_yaml(kiln.directory, "cp", "init"), node_yaml(kiln.directory, "w2", "worker")]
    log = kiln.directory / "witness.log"
    done = seed(kiln, *files, PATH=f"{witness}:{os.environ['PATH']}", WITNESS=str(log), WATCHED=str(kiln.out))
    problems += unexpected(done)
    user_data = {name: from_iso(kiln.out / f"{name}.iso", "nodekiln.yaml") for name in ("w1", "cp", "w2")}
    problems += [f"cloud-init copies a secret from {name}.iso" for name in user_data
                 for part in ("user-data", "meta-data") if re.search(f"key|{SECRET}", from_iso(kiln.out / f"{name}.iso", part))]
    authorities = {secret_of(text, "ca") for text in user_data.values()}
    keys = [secret_of(user_data[name], "ca_key") for name in ("w1", "cp", "w2")]
    own = {secret_of(text, "key") for text in user_data.values()}
    if len(authorities) != 1 or len(own) != 3:
        problems.append(f"{len(authorities)} CAs and {len(own)} keys of nodes")
    if not keys[1] or keys[0] or keys[2]:
        problems.append("the CA's key is not the init node's alone")
    if any(secret_of(text, "token") for text in user_data.values()):
        problems.append("there is a token")
    seen = log.read_bytes() + done.stdout.encode() + done.stderr.encode()
    problems += [f"{what} was to be seen" for what, secret in (("a node's key", own.pop()), ("the CA's key", keys[1]), ("the PVE secret", SECRET))
                 if secret and secret.encode() in seen]
    problems += [f"{p.name} has mode {p.stat().st_mode & 0o777:o}" for p in kiln.out.iterdir() if p.stat().st_mode & 0o777 != 0o600]
    if sorted(p.name for p in kiln.out.iterdir()) != ["cp.iso", "w1.iso", "w2.iso"]:
        problems.append(f"left behind: {sorted(p.name for p in kiln.out.iterdir())}")
    modes = re.findall(r"^(\S+)\s.* (\w\S+) $", subprocess.run(["isoinfo", "-R", "-l", "-i", kiln.out / "cp.iso"], check=True,
                                                                   capture_output=True, text=True).stdout, re.M)
    if sorted(modes) != [("-r--------", name) for name in ("meta-data", "nodekiln.yaml", "user-data")]:
        problems.append(f"in the ISO: {modes}")
    return problems


def at_once(kiln):
    """Two first seeds of a cluster with one secrets file: they agree."""
    secrets = kiln.directory / "secrets.yaml"
    runs = [subprocess.Popen(kiln.argv("seed", "--secrets", secrets, "--out", kiln.out / f"{name}.iso", kiln.directory / "cp.yaml"),
                             stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=kiln.environment()) for name in ("one", "two")]
    problems = [f"exit {run.returncode}: {error.decode()}" for run, error in [(run, run.communicate()[1]) for run in runs] if run.returncode]
    keys = {secret_of(from_iso(kiln.out / f"{name}.iso", "nodekiln.yaml"), "ca_key") for name in ("one", "two")}
    keys.add(secret_of(secrets.read_text(), "ca_key"))
    if len(keys) != 1 or None in keys:
        problems.append("two runs made two CAs")
    if secrets.stat().st_mode & 0o777 != 0o600:
        problems.append(f"secrets.yaml has mode {secrets.stat().st_mode & 0o777:o}")
    return problems


def waits(kiln):
    """For another run with the same file, a deploy of many minutes say; it says so."""
    secrets = kiln.directory / "secrets.yaml"
    with open(secrets) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        run = subprocess.Popen(kiln.argv("seed", "--secrets", secrets, "--out", kiln.out / "one.iso", kiln.directory / "cp.yaml"),
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=kiln.environment())
        threading.Timer(5, run.terminate).start()
        said = ""
        while line := run.stderr.readline():
            said += line
            if "in use" in line:
                break
        fcntl.flock(held, fcntl.LOCK_UN)
        said += run.communicate()[1]
    wanted = f"{secrets} is in use by another run (process {os.getpid()}); waiting until it has ended\n"
    return [] if wanted in said and run.returncode == 0 else [f"exit {run.returncode}, it said: {said!r}"]


def refusals(kiln):
    """Each with its exit code and a word of its sentence; and nothing is written, not even for the nodes before the bad one."""
    before = kiln.outputs()
    bad = node_yaml(kiln.directory, "bad", "worker", "token: c0ffee\n")
    good = kiln.directory / "cp.yaml"
    cases = (
        (RECIPE, "is invalid", [good, bad]),
        (RECIPE, "no secrets of cluster", [kiln.directory / "w1.yaml"]),
        (USAGE, "the same seed file", [good, good]),
        (USAGE, "several seeds need a directory", ["--out", "x.iso", good, kiln.directory / "w1.yaml"]),
        (USAGE, "is for one node", ["--address", "192.0.2.1/24", good, kiln.directory / "w1.yaml"]),
        (USAGE, "--lxc cannot be combined", ["--lxc", "x.tar.zst", "--ssh-key", "x", good]),
        (RECIPE, "first line", ["--user-data", good, "--out", "new.iso", good]),
        (RECIPE, "No such file", ["--network", "nothing", good]),
        (USAGE, "wrong number of arguments", []),
    )
    problems = []
    for code, words, arguments in cases:
        done = seed(kiln, *arguments)
        said = sentences(done.stderr)
        if done.returncode != code or len(said) != 1 or words not in said[0]:
            problems.append(f"{words}: exit {done.returncode}, {said}")
        if "c0ffee" in done.stderr or SECRET in done.stderr:
            problems.append(f"{words}: a secret was shown")
    if kiln.outputs() != before:
        problems.append("a refused run changed the outputs")
    return problems


def tree(directory):
    """What tar can restore of each entry, by path."""
    found = {}
    for path in [directory, *directory.rglob("*")]:
        st = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else os.readlink(path) if path.is_symlink() else None
        found[str(path.relative_to(directory))] = (st.st_mode, st.st_uid, st.st_gid, None if path.is_dir() else int(st.st_mtime), content)
    return found


def unpacked(tarball, directory):
    directory.mkdir()
    zstd = subprocess.Popen(["zstd", "-q", "-d", "-c", tarball], stdout=subprocess.PIPE)
    done = subprocess.run(["tar", "xpf", "-", *PVE_TAR, "-C", directory], stdin=zstd.stdout, capture_output=True, text=True)
    zstd.stdout.close()
    if zstd.wait() or done.returncode:
        raise SystemExit(f"not ok seed-lxc: zstd {zstd.returncode}, tar {done.returncode}: {done.stderr}")
    return tree(directory)


def container(kiln, base):
    seeded, config = kiln.out / "cp.tar.zst", "etc/nodekiln/node.yaml"
    done = seed(kiln, "--lxc", base, kiln.directory / "cp.yaml")
    problems = unexpected(done)
    if problems:
        return problems
    if seeded.stat().st_size - base.stat().st_size > 4096 or seeded.stat().st_mode & 0o777 != 0o600:
        problems.append(f"{seeded.stat().st_size - base.stat().st_size} bytes more, mode {seeded.stat().st_mode & 0o777:o}")
    before, after = unpacked(base, kiln.directory / "base"), unpacked(seeded, kiln.directory / "seeded")
    mode, uid, gid, _, content = after.pop(config, (0, 0, 0, 0, b""))
    if (mode & 0o7777, uid, gid) != (0o600, 0, 0) or f'token_secret: "{SECRET}"'.encode() not in content:
        problems.append(f"node.yaml: mode {mode:o} of {uid}:{gid}, {len(content)} bytes")
    # A directory's time is its own business; everything else must be there unchanged.
    problems += [f"changed: {sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))[:5]}"] if before != after else []
    return problems


def readers(kiln):
    """inspect reads a seeded template, verify does not take it for a golden image, the agent finds its node, and no seed has a seed."""
    seeded = kiln.out / "cp.tar.zst"
    inspected, verified = kiln.run(kiln.argv("inspect", seeded)), kiln.run(kiln.argv("verify", seeded))
    problems = unexpected(inspected) + unexpected(verified, GATE)
    if "/etc/nodekiln/node.yaml" not in verified.stdout + verified.stderr:
        problems.append("verify does not name the seed")
    kubeadm = kiln.directory / "bin/kubeadm"
    kubeadm.write_text("#!/bin/sh\necho v1.34.1\n")
    kubeadm.chmod(0o755)
    plan = subprocess.run([AGENT, "run", "--dry-run", "--root", kiln.directory / "seeded"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, env=dict(os.environ, PATH=f"{kubeadm.parent}:{os.environ['PATH']}"))
    problems += unexpected(plan)
    if "lab" not in plan.stdout or secret_of((kiln.directory / "seeded/etc/nodekiln/node.yaml").read_text(), "key") in plan.stdout:
        problems.append("the agent's plan does not name the cluster, or shows the token")
    again = seed(kiln, "--lxc", seeded, "--out", "again.tar.zst", kiln.directory / "cp.yaml")
    problems += unexpected(again, RECIPE) + ([] if "already" in again.stderr else [again.stderr])
    return problems


def main():
    require_root()
    check, work, before = Check(), work_directory(), host_state()
    kiln = BuildEnv(work / "kiln")
    try:
        check("seed-cluster", cluster(kiln))
        check("seed-at-once", at_once(kiln))
        check("seed-waits", waits(kiln))
        check("seed-refusals", refusals(kiln))
        shutil.rmtree(kiln.out)
        built = kiln.build("--set", "outputs.qcow2.enabled=false")
        check("seed-base", unexpected(built))
        if built.returncode == 0:
            base = next(kiln.out.glob("*.tar.zst")).rename(kiln.directory / "base.tar.zst")
            check("seed-lxc", container(kiln, base))
            check("seed-lxc-readers", readers(kiln))
        check("seed-host", left_behind(kiln, before))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sys.exit(check.failed > 0)


main()
