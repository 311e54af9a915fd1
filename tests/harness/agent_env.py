# SPDX-License-Identifier: Apache-2.0
"""An environment for one nodekiln-agent: a directory in the role of the guest's root, with programs of the names kubeadm and kubectl that
do what the real ones leave behind, and an API server that knows one Node. The agent, the files and the TLS are real."""
import contextlib
import http.server
import json
import os
import ssl
import subprocess
import threading
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
UUID = "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f"
MAC = "bc:24:11:00:00:01"

# In the role of kubeadm (and kubectl, by name). Its answers are in ROOT/standin/answers, one line per call.
STAND_IN = r'''#!/usr/bin/python3
import json, os, shutil, sys
from pathlib import Path

me, root = Path(sys.argv[0]).name, Path(__file__).resolve().parent.parent
notes = root / "standin"
if sys.argv[1] == "version":
    print("v1.20.2")
    sys.exit(0)
with open(notes / "calls", "a") as f:
    parent = Path(f"/proc/{os.getppid()}")
    call = {"argv": [me, *sys.argv[1:]], "environ": sorted(os.environ), "parent": {
        name: parent.joinpath(name).read_text() for name in ("schedstat", "status", "smaps_rollup")}}
    if "--config" in sys.argv:
        path = Path(sys.argv[sys.argv.index("--config") + 1])
        call |= {"config": path.read_text(), "config_mode": oct(path.stat().st_mode & 0o777)}
    f.write(json.dumps(call) + "\n")
if sys.argv[1] == "reset":
    shutil.rmtree(root / "etc/kubernetes", ignore_errors=True)
if sys.argv[1] not in ("init", "join"):
    sys.exit(0)
answers = notes / "answers"
waiting = answers.read_text().splitlines() if answers.exists() else []
if waiting:
    answers.write_text("".join(line + "\n" for line in waiting[1:]))
    if waiting[0] != "ok":
        print(f"[preflight] Running pre-flight checks\nerror execution phase preflight: {waiting[0]}", file=sys.stderr)
        sys.exit(1)
etc = root / "etc/kubernetes"
print("[certs] Using certificateDir folder \"/etc/kubernetes/pki\"")
(etc / "pki").mkdir(parents=True, exist_ok=True)
for name in ("ca.crt", "ca.key"):
    if name == "ca.crt" or sys.argv[1] == "init":
        (etc / "pki" / name).write_bytes((notes / name).read_bytes())
print("[kubelet-start] Starting the kubelet", flush=True)
for name in ("kubelet.conf", *(["admin.conf"] if sys.argv[1] == "init" else [])):
    (etc / name).write_text((notes / "kubeconfig").read_text())
'''


def agent_program():
    return os.environ.get("NODEKILN_AGENT", str(TOP / "out/nodekiln-agent"))


def openssl(*argv):
    subprocess.run(["openssl", *argv], check=True, capture_output=True)


def make_pki(directory):
    """A cluster's CA, its API server's certificate and a kubelet's."""
    directory.mkdir(parents=True)
    d = lambda name: str(directory / name)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", d("ca.key"), "-out", d("ca.crt"),
            "-days", "2", "-subj", "/CN=kubernetes")
    for name, subject, extra in (("server", "/CN=kube-apiserver", "subjectAltName=IP:127.0.0.1"),
                                 ("kubelet", "/O=system:nodes/CN=system:node:n1", "extendedKeyUsage=clientAuth")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", d(f"{name}.key"), "-out", d(f"{name}.csr"),
                "-subj", subject)
        (directory / "ext").write_text(extra + "\n")
        openssl("x509", "-req", "-in", d(f"{name}.csr"), "-CA", d("ca.crt"), "-CAkey", d("ca.key"), "-out", d(f"{name}.crt"), "-days", "2",
                "-extfile", d("ext"))


class ApiServer:
    """GET /api/v1/nodes/NAME for a client with a certificate of the cluster; not Ready the first `not_ready` times."""

    def __init__(self, pki, not_ready=1):
        self.asked, self.not_ready = [], not_ready
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.asked.append(self.path)
                ready = len(outer.asked) > outer.not_ready
                node = {"kind": "Node", "metadata": {"name": self.path.rsplit("/", 1)[1], "uid": UUID},
                                   "spec": {"podCIDR": "10.244.1.0/24"}, "status": {"conditions": [
                                       {"type": "Ready", "status": "True" if ready else "False", "reason": "KubeletNotReady",
                                        "message": "cni plugin not initialized"}],
                                       "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}}
                body = json.dumps({"kind": "NodeList", "items": [node]} if "?limit=" in self.path else node).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki / "server.crt", pki / "server.key")
        context.load_verify_locations(pki / "ca.crt")
        context.verify_mode = ssl.CERT_REQUIRED
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


FACTS = {
    "etc/hostname": "n1\n", "proc/sys/kernel/hostname": "n1\n", "sys/class/dmi/id/product_uuid": UUID + "\n",
    "proc/swaps": "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", "proc/1/environ": "",
    "proc/self/uid_map": "         0          0 4294967295\n", "proc/meminfo": "MemTotal:        4000000 kB\n",
    "proc/sys/net/ipv4/ip_forward": "1\n", "proc/sys/net/bridge/bridge-nf-call-iptables": "1\n",
    "proc/modules": "overlay 1 0 - Live 0x0\nbr_netfilter 1 0 - Live 0x0\n", "proc/filesystems": "nodev\toverlay\n",
    "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory hugetlb pids\n", "run/systemd/timesync/synchronized": "",
    "sys/devices/system/cpu/online": "0-1\n", "sys/devices/system/cpu/possible": "0-1\n", "dev/kmsg": "", "etc/resolv.conf": "", "proc/net/tcp": "  sl\n", "proc/net/tcp6": "  sl\n",
    "usr/bin/containerd": "", "usr/bin/kubelet": "", "sys/class/net/eth0/address": MAC + "\n", "sys/class/net/eth0/type": "1\n",
    "run/cloud-init/enabled": "", "run/cloud-init/result.json": '{"v1": {"errors": []}}',
    "etc/containerd/config.toml": 'version = 2\n',
    "etc/nodekiln/image.json": json.dumps({"runtime": "containerd", "pause_image": "k8s.gcr.io/pause:3.2", "images": ["k8s.gcr.io/pause:3.2"],
                                           "kubernetes": {"version": "1.20.2"}}),
}


class AgentEnv:
    def __init__(self, work, name, config, pki, api, files=()):
        self.root = work / name
        for path, text in {**FACTS, **dict(files)}.items():
            self.write(path, text)
        (self.root / "sys/class/net/eth0/device").mkdir()
        self.write("etc/nodekiln/node.yaml", config, 0o600)
        self.write("standin/kubeconfig", json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "k", "cluster": {"server": f"https://127.0.0.1:{api.port}", "certificate-authority": "/var/lib/kubelet/pki/cluster.crt"}}],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "users": [{"name": "u", "user": {"client-certificate": "/var/lib/kubelet/pki/kubelet.crt", "client-key": "/var/lib/kubelet/pki/kubelet.key"}}]}))
        for name, file in (("cluster.crt", "ca.crt"), ("kubelet.crt",) * 2, ("kubelet.key",) * 2):
            self.write(f"var/lib/kubelet/pki/{name}", (pki / file).read_text(), 0o600)
        for name in ("ca.crt", "ca.key"):
            self.write(f"standin/{name}", (pki / name).read_text())
        for program in ("kubeadm", "kubectl", "systemctl", "ip", "iptables", "iptables-restore"):
            self.write(f"bin/{program}", STAND_IN, 0o755)
        self.write("usr/bin/kubeadm", STAND_IN, 0o755)
        unit = self.root / "etc/systemd/system/multi-user.target.wants/nodekiln-agent.service"
        unit.parent.mkdir(parents=True, exist_ok=True)
        unit.symlink_to("/etc/systemd/system/nodekiln-agent.service")
        (self.root / "run/containerd").mkdir(parents=True, exist_ok=True)

    def write(self, path, text, mode=0o644):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def run(self, *options, env=None, timeout=60, program=None):
        return subprocess.run([program or agent_program(), "run", "--root", str(self.root), *options], capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, "PATH": f"{self.root}/bin:{os.environ['PATH']}", **(env or {})})

    def status(self):
        done = subprocess.run([agent_program(), "status", "--json", "--root", str(self.root)], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def calls(self, *beginning):
        path = self.root / "standin/calls"
        calls = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [c for c in calls if c["argv"][:len(beginning)] == list(beginning)]

    def finished(self):
        """What is wrong with the end of a node that should be Ready."""
        if self.status()["phase"] != "ready":
            yield f"status is {self.status()}"
        for path in ("var/lib/nodekiln/done", "run/cluster-api/bootstrap-success.complete"):
            if not (self.root / path).exists():
                yield f"/{path} is missing"
        if (self.root / "etc/systemd/system/multi-user.target.wants/nodekiln-agent.service").is_symlink():
            yield "the unit is still enabled"


@contextlib.contextmanager
def runtime_socket(guest):
    """Something that accepts on containerd's socket."""
    import socket
    path = guest.root / "run/containerd/containerd.sock"
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(os.path.relpath(path, here) if len(os.path.relpath(path, here)) < len(str(path)) else str(path))
        s.listen(8)
        yield
