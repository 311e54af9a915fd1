# SPDX-License-Identifier: Apache-2.0
"""Nodes at native speed: unprivileged LXC containers of a template on this host, in a space of their own (native_keeper.py). Not a test
itself.

    with NativeLab(template, ("cp1", "w1")) as lab:
        lab.unpack({"w1": {"etc/nodekiln/node.yaml": (0o600, text)}})
        lab["cp1"].start()
        lab["cp1"].ask("hostname")

A container is made as Proxmox VE makes it (container.py), but its ids are mapped by the mount, so that nothing is copied with others.
The cards are on a bridge of the space, 10.9.0.11, .12, ... in order; the gateway 10.9.0.1 leads nowhere, so no registry can be asked.
A name server there (Resolver) knows no name and writes down what it was asked.

With cgroup v2 the containers get their part of it. With cgroup v1 each controller is mounted as the host has it before
systemd starts, since systemd would join some of them into one mount, which the kernel refuses when the host has them apart.
"""
import ctypes
import json
import os
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import container, lab_lock
from harness.cases import Failed
from harness.native_keeper import CGROUPS, GATEWAY, PREFIX

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
START_SECONDS, STOP_SECONDS = 60, 30
DIRECTORY = os.environ.get("NODEKILN_LAB", "/var/tmp")  # 2 GiB a node
PROGRAMS = {"lxc-start": "lxc", "ip": "iproute2", "unshare": "util-linux", "newuidmap": "uidmap", "zstd": "zstd"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PRELUDE = "sudo() { shift; \"$@\"; }; "  # the checks of virtual machines ask for it; here is root's shell

CONFIG = """\
lxc.uts.name = {name}
lxc.arch = amd64
lxc.rootfs.path = dir:{directory}/rootfs
lxc.rootfs.options = idmap=container
lxc.idmap = u 0 100000 65536
lxc.idmap = g 0 100000 65536
lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
lxc.seccomp.profile = {directory}/rules.seccomp
lxc.apparmor.profile = unconfined
lxc.autodev = 1
lxc.tty.max = 2
lxc.pty.max = 1024
lxc.signal.halt = SIGRTMIN+4
lxc.cgroup.relative = 0
lxc.cgroup.dir.monitor = {group}/monitor-{name}
lxc.cgroup.dir.container = {group}/{name}
lxc.console.logfile = {directory}/console
lxc.net.0.type = veth
lxc.net.0.name = eth0
lxc.net.0.hwaddr = {mac}
lxc.net.0.flags = up
lxc.net.0.script.up = {directory}/plug
"""
PLUG = "#!/bin/sh\n# NAME net up veth INTERFACE\nexec ip link set \"$5\" master br0\n"

# With cgroup v1.
INIT_ENVIRONMENT = "lxc.environment = SYSTEMD_PROC_CMDLINE=systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1\n"
INIT = "usr/local/sbin/lab-init"
INIT_HEAD = "#!/bin/sh\nset -e\nmount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup\n"
INIT_MOUNT = "mkdir -p /sys/fs/cgroup/{name}\nmount -t {kind} -o {options} cgroup /sys/fs/cgroup/{name}\n"
PATCHES = "etc/nodekiln/patches"
KUBELET_PATCH = f"{PATCHES}/kubeletconfiguration+merge.json"

# The disk is this host's: others fill it, and a percentage of it says nothing about the node.
KUBELET = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "imageGCHighThresholdPercent": 100,
           "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi"}}
# kubelet and kubeadm can be made to accept cgroup v1 up to Kubernetes 1.37.
KUBELET_ON_V1 = {"failCgroupV1": False}
IGNORED_ON_V1 = ["SystemVerification"]


def has_cgroup2():
    return (CGROUPS / "cgroup.controllers").exists()


def kubeadm_keys():
    """What a node configuration says on this host."""
    return {"patches": f"/{PATCHES}", "ignore_preflight_errors": [] if has_cgroup2() else IGNORED_ON_V1}


def cgroup_init():
    """With cgroup v1: the first program of a container."""
    mounts, text = Path("/proc/mounts").read_text().splitlines(), INIT_HEAD
    for _, where, kind, options, *_ in map(str.split, mounts):
        if kind in ("cgroup", "cgroup2") and Path(where).parent == CGROUPS:
            mine = ",".join(o for o in options.split(",") if o not in ("rw", "ro", "relatime", "nosuid", "nodev", "noexec", "xattr"))
            mine = f"none,{mine}" if mine.startswith("name=") else mine
            text += INIT_MOUNT.format(name=Path(where).name, kind=kind, options=mine or "rw")
    return text + "exec /sbin/init\n"


def unavailable():
    """Why this host cannot run one; None: it can."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program, path=PATH)]
    if missing:
        return f"needs the packages {' '.join(missing)}"
    probe = "ip link add br0 type bridge && ip link add nka type veth peer name nkb && mount -t tmpfs tmpfs /mnt"
    done = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "sh", "-c", probe], capture_output=True, text=True)
    if done.returncode != 0:
        return f"this host allows no space for it: {done.stderr.strip()}"
    return None if Path("/proc/self/ns/user").exists() else "this kernel has no user namespaces"


class Resolver:
    """A name server that knows no name, by UDP and TCP; asked: the names, in order."""

    def __init__(self):
        self.asked = []
        self.socket, self.listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.create_server((GATEWAY, 53))
        self.socket.bind((GATEWAY, 53))
        for serve in (self.serve, self.serve_streams):
            threading.Thread(target=serve, daemon=True).start()

    def close(self):
        self.socket.close()
        self.listener.close()

    def serve(self):
        while True:
            try:
                question, sender = self.socket.recvfrom(4096)
                self.socket.sendto(self.answer(question), sender)
            except (OSError, IndexError):
                if self.socket.fileno() < 0:
                    return

    def serve_streams(self):
        while True:
            try:
                threading.Thread(target=self.serve_stream, args=(self.listener.accept()[0],), daemon=True).start()
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def serve_stream(self, connection):
        """Each message is behind its length."""
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(START_SECONDS)
            try:
                while len(length := stream.read(2)) == 2:
                    answer = self.answer(stream.read(int.from_bytes(length, "big")))
                    connection.sendall(len(answer).to_bytes(2, "big") + answer)
            except (OSError, IndexError):
                return

    def answer(self, question):
        """There is no such name."""
        self.asked.append(self.name(question))
        return question[:2] + struct.pack(">HHHHH", 0x8183, 1, 0, 0, 0) + question[12:self.end(question)]

    @staticmethod
    def labels(question):
        at = 12
        while question[at]:
            yield question[at + 1:at + 1 + question[at]]
            at += 1 + question[at]

    def name(self, question):
        return b".".join(self.labels(question)).decode(errors="replace").lower()

    def end(self, question):
        """Of the question proper: without the options that follow."""
        return 12 + sum(1 + len(label) for label in self.labels(question)) + 5


class NativeNode:
    """As a virtual machine has them: name, address, mac, process, ask(), ssh(), put(), start(), stop(), tail()."""

    def __init__(self, lab, name, number):
        self.lab, self.name, self.address, self.mac = lab, name, f"10.9.0.{number}", f"bc:24:11:09:00:{number:02x}"
        self.directory = lab.work / name
        self.root, self.console, self.process = self.directory / "rootfs", self.directory / "console", None

    # Making it.

    def unpack(self, files):
        """files: {path: (mode, text)}, in addition to what Proxmox VE writes."""
        self.root.mkdir(parents=True)
        archive = self.lab.image
        with open(archive, "rb") as stream:
            subprocess.run([*container.tar_argv(archive), "-C", self.root], stdin=stream, check=True, capture_output=True)
        hosts = (self.root / "etc/hosts").read_text() + "\n"
        written = container.files(self.name, self.address, GATEWAY, GATEWAY, hosts)
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)
        subprocess.run(["tar", "xzp", "--no-same-owner", "-C", self.root], input=container.overlay(written), check=True)
        for path, (mode, text) in files.items():
            self.write(path, mode, text)
        self.configure()

    def write(self, path, mode, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def configure(self):
        config = CONFIG.format(name=self.name, directory=self.directory, group=self.lab.group, mac=self.mac)
        self.write(KUBELET_PATCH, 0o644, json.dumps(KUBELET | ({} if has_cgroup2() else KUBELET_ON_V1)))
        if not has_cgroup2():
            self.write(INIT, 0o755, cgroup_init())
            config += INIT_ENVIRONMENT + f"lxc.init.cmd = /{INIT}\n"
        (self.directory / "config").write_text(config)
        (self.directory / "rules.seccomp").write_text(container.SECCOMP)
        (self.directory / "plug").write_text(PLUG)
        (self.directory / "plug").chmod(0o755)

    # Its power.

    def start(self):
        """Returns when its init runs; wait() for its system."""
        argv = ["lxc-start", "-F", "-P", self.directory, "-n", self.name, "-f", self.directory / "config", "-l", "INFO", "-o",
                self.directory / "log"]
        with open(self.directory / "out", "ab") as out:
            self.process = subprocess.Popen(self.lab.inside(argv), stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def wait(self, seconds=START_SECONDS):
        limit = time.monotonic() + seconds
        while self.ssh("test -S /run/systemd/private").returncode != 0:
            if self.process.poll() is not None or time.monotonic() > limit:
                raise Failed(f"{self.name} did not start within {seconds} s: {' | '.join(self.tail()[-8:])}")
            time.sleep(0.1)

    def stop(self, seconds=STOP_SECONDS):
        """As `pct shutdown --forceStop 1`: a member of etcd that has lost the others does not end by itself. Returns whether it did."""
        self.ssh("systemctl poweroff --no-block")
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def kill(self):
        """As a power cut."""
        subprocess.run(self.lab.inside(["lxc-stop", "-k", "-P", self.directory, "-n", self.name]), capture_output=True)
        self.process.wait(START_SECONDS)

    # Asking it.

    def attach(self, command):
        return self.lab.inside(["lxc-attach", "-P", self.directory, "-n", self.name, "--clear-env", "-v", f"PATH={PATH}", "-v",
                                "HOME=/root", "--", "/bin/bash", "-c", PRELUDE + command])

    def ssh(self, command, timeout=240, data=b""):
        done = subprocess.run(self.attach(command), input=data, capture_output=True, timeout=timeout)
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return done

    def ask(self, command, timeout=240, data=b""):
        try:
            done = self.ssh(command, timeout, data)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name}: `{command}`: no answer within {timeout} s") from None
        if done.returncode != 0:
            raise Failed(f"{self.name}: `{command}` ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
        return done.stdout.strip()

    def put(self, path, data):
        self.ask(f"cat >{shlex.quote(path)}", data=data)

    def tail(self):
        files = filter(Path.exists, (self.directory / "log", self.directory / "out", self.console))
        said = [file.read_text(errors="replace").splitlines()[-20:] for file in files]
        return [line for lines in said for line in lines if line.strip()]


class NativeLab:
    """with NativeLab(template, names) as lab: the space is there, no container. Afterwards nothing is; Failed: the host was changed."""

    def __init__(self, template, names):
        self.image = Path(template).resolve()
        self.work = Path(tempfile.mkdtemp(prefix="nodekiln-native-", dir=DIRECTORY))
        self.work.chmod(0o711)  # a container's root passes through it
        self.group = PREFIX + self.work.name.rpartition("-")[2]
        self.nodes = {name: NativeNode(self, name, number) for number, name in enumerate(names, 11)}
        self.keeper, self.first, self.resolver, self.lock = None, None, None, None

    def __getitem__(self, name):
        return self.nodes[name]

    def __enter__(self):
        self.lock = lab_lock.acquire()
        self.keeper = subprocess.Popen([sys.executable, "-m", "harness.native_keeper", self.work, self.group], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True, start_new_session=True,
                                       cwd=Path(__file__).resolve().parent.parent)
        first = self.keeper.stdout.readline().strip()
        if not first:
            raise Failed(f"the lab's space cannot be made: exit status {self.keeper.wait()}")
        self.first = int(first)
        self.resolver = self.in_network(Resolver)
        return self

    def __exit__(self, kind, *_):
        said = self.keeper.communicate()[0].strip()
        for node in self.nodes.values():
            if node.process:
                node.process.wait()
        self.resolver.close()
        self.lock.close()
        if self.keeper.returncode != 0 and kind is None:
            raise Failed(f"the lab has changed this host: {said}")

    def inside(self, argv):
        return ["nsenter", "-t", str(self.first), "-m", "-n", "-p", "--wd=/", "--", *map(str, argv)]

    def in_network(self, function):
        """What function() returns, called where sockets are the space's."""
        with ThreadPoolExecutor(1) as threads:  # the thread ends with its namespace
            return threads.submit(self.call_in_network, function).result()

    def call_in_network(self, function):
        with open(f"/proc/{self.first}/ns/net", "rb") as namespace:
            if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        return function()

    def together(self, act, names=None):
        """{name: act(node)} for each, at the same time."""
        names = names or tuple(self.nodes)
        with ThreadPoolExecutor(len(names)) as threads:
            return dict(zip(names, threads.map(lambda name: act(self[name]), names)))

    def unpack(self, files):
        """files: {name: {path: (mode, text)}}"""
        self.together(lambda node: node.unpack(files.get(node.name, {})))
