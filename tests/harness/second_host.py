# SPDX-License-Identifier: Apache-2.0
"""A user whom the host does not know, in a checkout of its own, with subordinate ids or without; and images to preload. Not a test itself:
reproducible.py and rootless.py use it. The files that name the user are shown over the host's in a mount namespace that ends with the
command."""
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from harness.build_env import NODEKILN, TOP

UID, NAME = 12345, "stranger"
IDS = f"{NAME}:200000:65536\n"
PARTS = ("out/nodekiln", "recipes", "rootfs-overlays", "agent", "lib", "tests/recipes")


def archive(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def images():
    """`docker save` of two images that share a layer."""
    layers = [archive({"pause": b"p" * 5000, "etc/a": b"a"}), archive({"etc/b": b"b" * 9000})]
    members, manifest = {}, []
    for name, used in (("registry.k8s.io/pause:3.9", layers[:1]), ("example.org/two:1", layers)):
        digests = [hashlib.sha256(layer).hexdigest() for layer in used]
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/pause"]},
                             "rootfs": {"type": "layers", "diff_ids": [f"sha256:{d}" for d in digests]}}).encode()
        file = hashlib.sha256(config).hexdigest() + ".json"
        members |= {file: config, **{f"{d}/layer.tar": layer for d, layer in zip(digests, used)}}
        manifest.append({"Config": file, "RepoTags": [name], "Layers": [f"{d}/layer.tar" for d in digests]})
    return archive({**members, "manifest.json": json.dumps(manifest).encode()})


def checkout(directory):
    """What nodekiln needs of this checkout, elsewhere; recipe.yaml there has an overlay and images, and no path of its own in it."""
    for name in PARTS:
        source, target = (NODEKILN if name == "out/nodekiln" else TOP / name), directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target, symlinks=True) if source.is_dir() else shutil.copy2(source, target)
    (directory / "overlay/etc").mkdir(parents=True)
    (directory / "overlay/etc/nodekiln-test").write_text("first")
    (directory / "images.tar").write_bytes(images())
    (directory / "recipe.yaml").write_text("name: small\ninclude: [tests/recipes/small.yaml]\noverlays:\n  base: [./overlay]\nruntime: containerd\n"
                                           "packages:\n  base: [containerd, runc]\n  extra: [less]\nimages:\n  archives: [./images.tar]\n")


def cache(directory, source):
    """A cache for the stranger with the downloads of the cache source: by hard link, the files stay root's."""
    shutil.copytree(source / "files", directory / "files", copy_function=os.link)
    for path in (directory, *(p for p in directory.rglob("*") if p.is_dir())):
        os.chown(path, UID, UID)
    return directory


def give(directory):
    """A checkout of a user with another umask."""
    subprocess.run(["chmod", "-R", "g+w", directory], check=True)
    subprocess.run(["chown", "-R", f"{UID}:{UID}", directory], check=True)


def run(work, argv, cwd, environment, ids=IDS, prefix=()):
    """argv as the stranger; prefix: a command that runs the rest as root still, in the namespaces where the host's files are covered."""
    files = {"/etc/passwd": Path("/etc/passwd").read_text() + f"{NAME}:x:{UID}:{UID}::/nonexistent:/bin/sh\n",
             "/etc/subuid": ids, "/etc/subgid": ids}
    script = ""
    for path, text in files.items():
        ours = Path(work) / f"{NAME}{path.replace('/', '.')}"
        ours.write_text(text)
        script += f"mount --bind {ours} {path} && "
    script += 'exec "$@"'
    become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    return subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", *prefix, *become, *argv], cwd=cwd, env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
