#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lxc.py [DIRECTORY]: unpacks every container template of a directory (out/) with exactly Proxmox VE's tar command, writes into
it what Proxmox VE writes, and boots it under lxc-start: as a privileged container, as an unprivileged one, and as one over whose
root no overlay can be mounted. Needs root.

Everything happens in network, mount and PID namespaces of its own: when this program ends, however, the container is gone,
and the host's network was never touched.
"""
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import container
from harness.cases import Failed, same

TOP = Path(__file__).resolve().parent.parent.parent
PREFIX = "nodekiln-lxc-"
NAME = "ct-node"
ADDRESS = "10.99.0.2"
START_SECONDS = 120

CONFIG = """\
lxc.rootfs.path = dir:{root}
lxc.uts.name = {name}
lxc.arch = amd64
lxc.tty.max = 2
lxc.pty.max = 1024
lxc.autodev = 1
lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
lxc.cap.drop = mac_admin mac_override sys_time sys_module sys_rawio
lxc.apparmor.profile = unconfined
lxc.signal.halt = SIGRTMIN+4
lxc.net.0.type = veth
lxc.net.0.flags = up
lxc.net.0.name = eth0
"""
# On any host with nothing but cgroup v2, as on Proxmox VE.
UNPRIVILEGED = """\
lxc.cap.drop =
lxc.mount.auto =
lxc.mount.auto = proc:mixed sys:mixed
lxc.mount.entry = cgroup2 sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec 0 0
lxc.seccomp.profile = {directory}/rules.seccomp
lxc.idmap = u 0 100000 65536
lxc.idmap = g 0 100000 65536
"""
# This host may lack cgroup v2's controllers, so no part of the CPU is asked for.
RUN = "ctr -n k8s.io run --rm --cpu-shares 0 --runc-systemd-cgroup --cgroup system.slice:nodekiln:{name} {image} {name} {command}"
NODE = "cluster: lab\\nrole: init\\nnode: {ip: 192.0.2.9}\\n"


def unpack(archive, root, prefix):
    """`pct create` hands tar the file with the decompressor that its extension asks for. prefix: who runs it."""
    with open(archive, "rb") as f:
        done = subprocess.run([*prefix, *container.tar_argv(archive), "-C", root], stdin=f, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"tar: {done.stderr.strip()[-400:]}")
    if not (root / "etc/os-release").exists() or not (root / "etc/debian_version").exists():
        raise Failed("Proxmox VE would not know what it is: etc/os-release or etc/debian_version is missing")


def set_up(root, prefix):
    """What `pct create` and `pct start` change in a Debian container."""
    for name in ("machine-id", "resolv.conf"):
        (root / "etc" / name).unlink(missing_ok=True)
    hosts = root / "etc/hosts"
    files = container.files(NAME, ADDRESS, "192.0.2.1", hosts=hosts.read_text() if hosts.exists() else "")
    subprocess.run([*prefix, *container.OVERLAY_TAR, "-C", root], input=container.overlay(files), check=True)


class Container:
    def __init__(self, work, root, more=""):
        self.path, self.log = work, work / "lxc.log"
        self.config = work / "config"
        self.config.write_text(CONFIG.format(root=root, name=NAME) + more)
        self.name = work.name
        self.process = subprocess.Popen(
            ["lxc-start", "-P", work, "-n", self.name, "-f", self.config, "-F", "-l", "INFO", "-o", self.log],
            stdin=subprocess.DEVNULL, stdout=open(work / "console", "wb"), stderr=subprocess.STDOUT)

    def run(self, command, timeout=120):
        """A pipe and no stdin: lxc-attach on a terminal of ours would hang."""
        attach = ["lxc-attach", "-P", self.path, "-n", self.name, "-f", self.config, "--clear-env", "--", "/bin/sh", "-c"]
        return subprocess.run(attach + ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; " + command],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)

    def ask(self, command, timeout=120):
        done = self.run(command, timeout)
        if done.returncode != 0:
            raise Failed(f"`{command}` ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
        return done.stdout.strip()

    def wait(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed(f"lxc-start ended with {self.process.returncode}: {self.log.read_text(errors='replace')[-400:]}")
            if self.run("test -S /run/systemd/private").returncode == 0:
                return
            time.sleep(0.2)
        raise Failed(f"systemd does not answer within {START_SECONDS} s")

    def stop(self):
        if self.process.poll() is None:
            try:
                subprocess.run(["lxc-stop", "-P", self.path, "-n", self.name, "-k"], capture_output=True, timeout=30)
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def is_running(ct):
    try:
        state = ct.run("systemctl is-system-running --wait", START_SECONDS).stdout.strip()
    except subprocess.TimeoutExpired:
        jobs = ct.run("systemctl list-jobs --no-legend --no-pager").stdout.strip()
        state = "not there yet, waits for " + jobs.replace("\n", " | ")
    if state != "running":
        failed = ct.run("systemctl --failed --plain --no-legend --no-pager").stdout.strip()
        detail = ct.run("journalctl -b -p warning --no-pager | tail -20").stdout.strip().replace("\n", " | ")
        raise Failed(f"{state}; failed: {failed}; {detail}")


def has_its_name(ct):
    same(ct.ask("hostname"), NAME)
    same(ct.ask(f"getent hosts {NAME}").split()[0], ADDRESS)
    same(ct.ask("getent hosts localhost").split()[0] in ("127.0.0.1", "::1"), True)


def network_is_pves(ct):
    if f"inet {ADDRESS}/24" not in ct.ask("ip -4 addr show eth0"):
        raise Failed("eth0 has not the address of /etc/network/interfaces")
    same(ct.run("systemctl is-active systemd-networkd").stdout.strip(), "inactive")
    if "192.0.2.1" not in ct.ask("cat /etc/resolv.conf"):
        raise Failed("something replaced /etc/resolv.conf")


def machine_id_is_made(ct):
    if not re.fullmatch("[0-9a-f]{32}", ct.ask("cat /etc/machine-id")):
        raise Failed("no machine-id")


def services_run(ct):
    same(ct.ask("systemctl is-active ssh"), "active")
    same(ct.run("systemctl is-active ssh.socket").stdout.strip(), "inactive")
    ct.ask("test -e /dev/kmsg")
    ct.ask("nodekiln-agent --version")


def runtime_answers(ct):
    about = json.loads(ct.ask("cat /etc/nodekiln/image.json"))
    if about["runtime"] != "containerd":
        return "no containerd in this image"
    ct.ask("ctr version")
    if about["pause_image"] and about["pause_image"] not in ct.ask("ctr -n k8s.io images ls -q").split():
        images = ct.ask("ctr -n k8s.io images ls -q")
        return f"the pause image is not preloaded ({len(images.split())} images)"
    return None


def kubernetes_is_right(ct):
    about = json.loads(ct.ask("cat /etc/nodekiln/image.json"))["kubernetes"]
    if about["source"] == "none":
        return "no Kubernetes in this image"
    same(ct.ask("kubelet --version"), f"Kubernetes v{about['version']}")
    same(ct.ask("kubeadm version -o short"), f"v{about['version']}")
    return None


def dry_run(ct):
    ct.ask(f"mkdir -p /etc/nodekiln; printf '{NODE}' >/etc/nodekiln/node.yaml; chmod 600 /etc/nodekiln/node.yaml")
    said = ct.ask("nodekiln-agent run --dry-run")
    ct.ask("rm /etc/nodekiln/node.yaml")  # or the next boot would make it a node
    return said


def agent_knows_where_it_is(ct):
    about, said = json.loads(ct.ask("cat /etc/nodekiln/image.json"))["kubernetes"], dry_run(ct)
    if "\nprofile     unprivileged container\n" not in said:
        raise Failed(f"not the profile of an unprivileged container: {said}")
    if about["version"].startswith("1.20.") and "kubelet 1.20 cannot run in an unprivileged container" not in said:
        raise Failed(f"the agent does not say that this kubelet cannot run here: {said}")


def overlays(ct):
    """How often each configuration of a runtime says that layers are overlays, and that they are copies."""
    count = "cat /etc/containerd/config.toml /etc/docker/daemon.json 2>/dev/null | grep -cE '{}' || true"
    return [ct.ask(count.format(words)) for words in ('= "overlayfs"|"overlay2"', '= "native"|"vfs"')]


def layers_are_overlays(ct):
    same(overlays(ct), ["1", "0"])


def layers_are_copies(ct):
    same(overlays(ct), ["0", "1"])
    if "no overlay can be mounted over this root" not in dry_run(ct):
        raise Failed("the agent does not say so")


def containerd_runs_containers(ct):
    """Of images that came with the template: kube-proxy's has a layer below its own."""
    about = json.loads(ct.ask("cat /etc/nodekiln/image.json"))
    if about["runtime"] != "containerd":
        return "no containerd in this image"
    server, proxy = (next(i for i in about["images"] if f"/{part}:" in i) for part in ("kube-apiserver", "kube-proxy"))
    same(ct.ask(RUN.format(image=server, name="one", command="/usr/local/bin/kube-apiserver --version")),
         f"Kubernetes v{about['kubernetes']['version']}")
    same(ct.ask(RUN.format(image=proxy, name="two", command="iptables --version")).split()[0], "iptables")
    return None


def containerd_is_set_up_for_it(ct):
    if json.loads(ct.ask("cat /etc/nodekiln/image.json"))["runtime"] != "containerd":
        return "no containerd in this image"
    config = ct.ask("cat /etc/containerd/config.toml")
    for line in ("disable_apparmor = true", "restrict_oom_score_adj = true", "disable_hugetlb_controller = true", "SystemdCgroup = true"):
        if f" {line}\n" not in config:
            raise Failed(f"its configuration lacks `{line}`")
    return None


CHECKS = (is_running, has_its_name, network_is_pves, machine_id_is_made, services_run, runtime_answers, kubernetes_is_right)
OF_UNPRIVILEGED = (*CHECKS, layers_are_overlays, containerd_is_set_up_for_it, containerd_runs_containers, agent_knows_where_it_is)
OF_OVERLAY = (is_running, layers_are_copies)


def try_checks(ct, label, checks):
    fine = True
    for check in checks:
        try:
            skipped = check(ct)
            print(f"{'skip' if skipped else 'ok'} {label}: {check.__name__}{': ' + skipped if skipped else ''}", flush=True)
        except (Failed, subprocess.TimeoutExpired, ValueError, KeyError) as why:
            fine = False
            print(f"not ok {label}: {check.__name__}: {why}", flush=True)
    return fine


def try_boot(label, work, root, more, checks):
    started = time.monotonic()
    ct = Container(work, root, more)
    try:
        ct.wait()
        fine = try_checks(ct, label, checks)
        print(f"# {time.monotonic() - started:.1f} s; {ct.run('systemd-analyze').stdout.strip().splitlines()[:1]}", flush=True)
        return fine
    finally:
        ct.stop()


def mount_over(work, root):
    """The container's root as an overlay itself: no other goes over it."""
    for name in ("upper", "work", "merged"):
        (work / name).mkdir()
        os.chown(work / name, 100000, 100000)
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={root},upperdir={work}/upper,workdir={work}/work",
                    work / "merged"], check=True)
    return work / "merged"


def try_privileged(label, work, root):
    return try_boot(label, work, root, "", CHECKS)


def try_unprivileged(label, work, root):
    (work / "rules.seccomp").write_text(container.SECCOMP)
    more = UNPRIVILEGED.format(directory=work)
    fine = try_boot(label, work, root, more, OF_UNPRIVILEGED)
    return try_boot(f"{label} on an overlay", work, mount_over(work, root), more, OF_OVERLAY) and fine


def try_template(archive, kind, prefix, test):
    label, work = f"{archive.name} {kind}", Path(tempfile.mkdtemp(prefix=PREFIX, dir=os.environ.get("TMPDIR", "/var/tmp")))
    root = work / "rootfs"
    try:
        work.chmod(0o755)
        root.mkdir()
        if prefix:
            os.chown(root, 100000, 100000)
        unpack(archive, root, prefix)
        set_up(root, prefix)
        print(f"ok {label}: unpacks with Proxmox VE's tar command", flush=True)
        return test(label, work, root)
    except (Failed, subprocess.SubprocessError) as why:
        print(f"not ok {label}: {why}", flush=True)
        return False
    finally:
        subprocess.run(["umount", "--lazy", work / "merged"], capture_output=True)
        shutil.rmtree(work, ignore_errors=True)
        sweep_cgroups(work.name)


KINDS = (("privileged", [], try_privileged), ("unprivileged", container.UNSHIFTED, try_unprivileged))


def allow_ids():
    """In this mount namespace alone: what newuidmap reads, as on a Proxmox VE host."""
    with tempfile.NamedTemporaryFile("w") as f:
        f.write("root:100000:65536\n")
        f.flush()
        for file in ("/etc/subuid", "/etc/subgid"):
            subprocess.run(["mount", "--bind", f.name, file], check=True)


def sweep_cgroups(name):
    """lxc removes its cgroups when it ends; a killed one leaves them, empty, and rmdir takes no others."""
    for top, directories, _ in os.walk("/sys/fs/cgroup", topdown=False):
        for directory in directories:
            path = os.path.join(top, directory)
            if f".{name}" in path:
                try:
                    os.rmdir(path)
                except OSError:
                    pass


def sweep_leftovers(base):
    """Of runs that were killed: their processes went with their PID namespace, these are only files."""
    for old in Path(base).glob(PREFIX + "*"):
        if time.time() - old.stat().st_mtime > 3600:
            shutil.rmtree(old, ignore_errors=True)
    sweep_cgroups(PREFIX)


def inside(directory):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sweep_leftovers(os.environ.get("TMPDIR", "/var/tmp"))
    archives = sorted(p for p in Path(directory).iterdir() if p.name.endswith((".tar.zst", ".tar.gz", ".tar.xz", ".tar")))
    if not archives:
        print(f"not ok lxc: no container template in {directory}; run `make image` first")
        return 1
    allow_ids()
    return 0 if all([try_template(a, *kind) for a in archives for kind in KINDS]) else 1


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--inside":
        return inside(sys.argv[2])
    directory = sys.argv[1] if len(sys.argv) > 1 else str(TOP / "out")
    if os.geteuid() != 0:
        print("skip lxc: lxc-start needs root")
        return 0
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    child = subprocess.Popen(unshare + [sys.executable, os.path.abspath(__file__), "--inside", directory],
                             preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    return child.wait()


sys.exit(main())
