# SPDX-License-Identifier: Apache-2.0
"""A container image for test pods, made here: Debian's busybox, alone. ctr and docker both load it."""
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

from harness.cases import Failed

NAME = "nodekiln.test/busybox:1"
INSTALLED = Path("/bin/busybox")
APPLETS = ("cat", "echo", "env", "hostname", "httpd", "id", "ip", "ls", "mkdir", "nc", "nslookup", "ping", "printenv", "sh", "sleep",
           "test", "timeout", "true", "wget")
# By the runtime that a recipe names: how a node gets an image from a file.
LOAD = {"containerd": "ctr -n k8s.io images import {file}", "docker": "docker load -q -i {file}"}


def is_static(program):
    data = program.read_bytes() if program.is_file() else b""
    return data.startswith(b"\x7fELF") and b"/lib64/ld-linux" not in data


def busybox():
    """The host's own when it is static, else that of Debian's package, without installing it: the other busybox would go."""
    if is_static(INSTALLED):
        return INSTALLED.read_bytes()
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(["apt-get", "-o", "APT::Sandbox::User=root", "download", "-qq", "busybox-static"], cwd=directory,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"no busybox for test pods: {done.stderr.strip()[-300:]}")
        package, = Path(directory).glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", package, f"{directory}/root"], check=True)
        return next(p for p in Path(directory, "root").rglob("busybox") if is_static(p)).read_bytes()


def add(tar, name, data=None, mode=0o644, target=None, kind=None):
    member = tarfile.TarInfo(name)
    member.mode, member.type = mode, kind or (tarfile.SYMTYPE if target else tarfile.REGTYPE)
    member.linkname, member.size = target or "", len(data or b"")
    tar.addfile(member, io.BytesIO(data or b""))


def layer(program):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for directory in ("bin", "etc", "tmp", "www"):
            add(tar, directory, mode=0o1777 if directory == "tmp" else 0o755, kind=tarfile.DIRTYPE)
        add(tar, "bin/busybox", program, 0o755)
        for applet in APPLETS:
            add(tar, f"bin/{applet}", target="busybox")
    return out.getvalue()


def archive():
    """What `docker save` writes."""
    content = layer(busybox())
    digest = hashlib.sha256(content).hexdigest()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
                         "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        add(tar, name, config)
        add(tar, f"{digest}/layer.tar", content)
        add(tar, "manifest.json", json.dumps([{"Config": name, "RepoTags": [NAME], "Layers": [f"{digest}/layer.tar"]}]).encode())
    return out.getvalue()
