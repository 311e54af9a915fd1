# SPDX-License-Identifier: Apache-2.0
"""The container images of upstream's conformance tests, made here. Not a test itself: conformance.py uses it.

Their Dockerfiles are in test/images of Kubernetes: agnhost, one program with what its tests call next to it; glibc-dns-testing, a Debian
with dig; nginx; busybox. The first three are on the Debian of tests/recipes/conformance.yaml here, with Debian's versions of
everything but agnhost. busybox is Debian's busybox-static, as in other tests.

agnhost's older version, from which and to which tests update pods, is the same program under another name.
"""
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

from harness.busybox_image import add, busybox

REGISTRY = "registry.k8s.io/e2e-test-images/"
ENVIRONMENT = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
# What nodekiln puts into every container template, and what is only in it for its way to the host.
NOT_IN_LAYER = ("agnhost", "opt/")
USERS = "user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh\n"
GROUPS = "user-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n"


def built_layer(archive):
    """The tree of a container template, without devices."""
    out = io.BytesIO()
    with tarfile.open(archive) as source, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in source:
            if not member.name.removeprefix("./").startswith(NOT_IN_LAYER) and not member.isdev():
                tar.addfile(member, source.extractfile(member) if member.isreg() else None)
    return out.getvalue()


def text_in(archive, name):
    with tarfile.open(archive) as source:
        return source.extractfile(next(m for m in source if m.name.removeprefix("./") == name)).read().decode()


def certificate():
    """(certificate, key) of localhost, for agnhost's servers."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1", "-keyout", "key", "-out", "crt"],
                       cwd=directory, check=True, capture_output=True)
        return Path(directory, "crt").read_bytes(), Path(directory, "key").read_bytes()


def agnhost_layer(program, archive):
    """On top of the Debian. Its sh is bash: dash drops variables whose names are no identifiers, which the shell of upstream's image
    passes on."""
    out, (crt, key) = io.BytesIO(), certificate()
    with tarfile.open(fileobj=out, mode="w") as tar:
        add(tar, "agnhost", Path(program).read_bytes(), 0o755)
        add(tar, "agnhost-2", target="agnhost")
        add(tar, "uploads", mode=0o755, kind=tarfile.DIRTYPE)
        add(tar, "localhost.crt", crt)
        add(tar, "localhost.key", key)
        add(tar, "usr/bin/sh", target="bash")
        add(tar, "etc/passwd", (text_in(archive, "etc/passwd") + USERS).encode())
        add(tar, "etc/group", (text_in(archive, "etc/group") + GROUPS).encode())
    return out.getvalue()


def busybox_layer():
    """With all that it can do."""
    out, program = io.BytesIO(), busybox()
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "busybox")  # its name is what it does
        file.write_bytes(program)
        file.chmod(0o755)
        applets = subprocess.run([file, "--list"], check=True, capture_output=True, text=True).stdout.split()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for directory in ("bin", "etc", "home", "root", "tmp", "usr", "usr/bin", "var"):
            add(tar, directory, mode=0o1777 if directory == "tmp" else 0o755, kind=tarfile.DIRTYPE)
        add(tar, "bin/busybox", program, 0o755)
        add(tar, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        add(tar, "etc/group", b"root:x:0:\n")
        for applet in applets:
            if applet != "busybox":
                add(tar, f"bin/{applet}", target="busybox")
        add(tar, "usr/bin/env", target="/bin/busybox")
    return out.getvalue()


def images(names, agnhost, archive):
    """[(name, layers, configuration)] of those of names, as `e2e.test --list-images` prints them, that can be made."""
    debian = built_layer(archive)
    kinds = {"agnhost": ([debian, agnhost_layer(agnhost, archive)], {"Entrypoint": ["/agnhost"], "Cmd": ["pause"]}),
             "busybox": ([busybox_layer()], {"Cmd": ["sh"]}),
             "glibc-dns-testing": ([debian], {"Cmd": ["bash"]}),
             "nginx": ([debian], {"Cmd": ["nginx", "-g", "daemon off;"]})}
    for name in sorted(names):
        kind = name.removeprefix(REGISTRY).partition(":")[0]
        if name.startswith(REGISTRY) and kind in kinds:
            layers, config = kinds[kind]
            yield name, layers, config


def digest(data):
    return hashlib.sha256(data).hexdigest()


def archive_of(made):
    """What `docker save` writes for images()."""
    out, manifest, written = io.BytesIO(), [], set()

    def put(tar, name, data):
        if name not in written:
            add(tar, name, data)
            written.add(name)

    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, layers, config in made:
            digests = [digest(layer) for layer in layers]
            about = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ENVIRONMENT, "Labels": {"name": name}} | config,
                                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{d}" for d in digests]}}).encode()
            put(tar, f"{digest(about)}.json", about)
            for d, layer in zip(digests, layers):
                put(tar, f"{d}/layer.tar", layer)
            manifest.append({"Config": f"{digest(about)}.json", "RepoTags": [name], "Layers": [f"{d}/layer.tar" for d in digests]})
        add(tar, "manifest.json", json.dumps(manifest).encode())
    return out.getvalue()
