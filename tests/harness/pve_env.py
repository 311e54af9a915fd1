# SPDX-License-Identifier: Apache-2.0
"""A Proxmox VE target of the strict fake, a small image, and nodekiln between them. Not a test itself: publish.py and its like use it."""
import hashlib
import json
import os
import struct
import subprocess
from pathlib import Path

from pve.administrator import type_in
from pve.server import FakePve

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = Path(os.environ.get("NODEKILN") or TOP / "out/nodekiln")  # out/asan/nodekiln, say
FAILED, USAGE, RECIPE, HOST, NETWORK, TRUST, SPACE, SANDBOX, GATE, TARGET = range(1, 11)  # lib/error.h
TOKEN = "nodekiln@pve!ci"
TIMEOUT = 120
CLUSTER = 65536


def qcow2(stored, seed=1):
    """A small image that is right in all that a reader looks at: `stored` clusters of data, without compression."""
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 3, 0, 0, 16, 64 << 20, 0, 1, CLUSTER, 2 * CLUSTER, 1, 0, 0)
    header += struct.pack(">QQQII", 0, 0, 0, 4, 104)
    clusters = 5 + stored  # header, L1, refcount table, refcounts, L2, data
    l1 = struct.pack(">Q", 1 << 63 | 4 * CLUSTER)
    refcounts = struct.pack(">H", 1) * clusters
    l2 = b"".join(struct.pack(">Q", 1 << 63 | (5 + i) * CLUSTER) for i in range(stored))
    data = hashlib.shake_256(str(seed).encode()).digest(stored * CLUSTER)
    parts = [header, l1, struct.pack(">Q", 3 * CLUSTER), refcounts, l2]
    return b"".join(part.ljust(CLUSTER, b"\0") for part in parts) + data


class Image:
    """What `nodekiln build` leaves, as far as `publish` looks at it."""

    def __init__(self, directory, name="debian-12-k8s", version="1.20.2", seed=1, stored=8, ct=True, vm=True, content=None):
        self.directory, self.name, self.version = Path(directory), name, version
        self.directory.mkdir(parents=True, exist_ok=True)
        self.files = {}
        if vm:
            self.files["qcow2"] = content or qcow2(stored, seed)
        if ct:
            self.files["tar.zst"] = hashlib.shake_128(f"ct{seed}".encode()).digest(300_000)
        for suffix, data in self.files.items():
            self.path(suffix).write_bytes(data)
        self.write_manifest()

    def path(self, suffix):
        return self.directory / f"{self.name}.{suffix}"

    def sha256(self, suffix):
        return hashlib.sha256(self.files[suffix]).hexdigest()

    def write_manifest(self, **more):
        artifacts = [{"file": f"{self.name}.{suffix}", "size": len(data), "sha256": self.sha256(suffix)}
                     for suffix, data in self.files.items()]
        manifest = {"format": 1, "name": self.name, "description": "A node for tests", "warning": None, "created": "2026-11-22T12:00:00Z",
                    "versions": {"kubernetes": self.version}, "artifacts": artifacts, **more}
        self.path("manifest.json").write_text(json.dumps(manifest))

    def stem(self, suffix="qcow2"):
        return f"{self.name}-{self.version}-{self.sha256(suffix)[:12]}"


class PveEnv(FakePve):
    """A fake with a pool, storages and the token of `nodekiln roles`, all of its rights; nodes in addition to pve1 by name."""

    def __init__(self, version, work, nodes=(), certificates=None, **more):
        super().__init__(version, certificates=certificates, nodes=nodes, auth_delay=0.1, **more)
        self.work = Path(work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.cluster.lock_seconds = 0.3
        self.add_storage("local", "iso,vztmpl,backup,import")
        self.add_storage("local-lvm", "images,rootdir", kind="lvmthin")
        self.add_pool("k8s")
        self.rights = {
            "/storage/local": "Datastore.AllocateSpace Datastore.AllocateTemplate",
            "/storage/local-lvm": "Datastore.AllocateSpace",
            "/pool/k8s": "VM.Allocate VM.Audit VM.Config.CPU VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network "
                         "VM.Config.Options",
            "/sdn/zones/localnetwork/vmbr0": "SDN.Use",
        }
        self.give(self.rights)
        self.add_user("nodekiln@pve")
        self.secret = self.add_token("nodekiln@pve", "ci", privsep=0).partition("=")[2]
        (self.work / "secret").write_text(self.secret + "\n")
        (self.work / "secret").chmod(0o600)

    def give(self, rights):
        """Exactly these rights for the token's user."""
        self.cluster.acl.forget("users", "nodekiln@pve")
        for number, (path, privileges) in enumerate(rights.items()):
            if privileges:
                self.add_role(f"Role{number}", privileges)
                self.grant(path, f"Role{number}", "nodekiln@pve")

    def use_roles(self, target):
        """What `nodekiln roles` prints, typed in unchanged, and nothing else."""
        done = subprocess.run(self.argv("roles", "--pve", self.version, target), capture_output=True, text=True, check=True)
        self.give({})
        self.secret, = type_in(self, done.stdout)
        (self.work / "secret").write_text(self.secret)

    def target(self, name="target.yaml", **more):
        """Writes it; keys of `more` replace others, None leaves them out."""
        keys = {"url": self.url, "token_id": TOKEN, "token_secret_file": "secret", "ca": str(self.ca), "nodes": ["pve1"],
                "storages": {"import": "local", "vztmpl": "local", "disks": "local-lvm"}, "pool": "k8s", "bridge": "vmbr0", **more}
        file = self.work / name
        file.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in keys.items() if value is not None))
        return file

    def argv(self, command, *arguments):
        return [str(NODEKILN), command, *map(str, arguments)]

    def publish_argv(self, image, *options, target=None):
        return self.argv("publish", "--plain", "--target", target or self.target(), image.path("manifest.json"), *options)

    def publish(self, image, *options, target=None, env=None, timeout=TIMEOUT):
        return subprocess.run(self.publish_argv(image, *options, target=target), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=timeout, env={**os.environ, **(env or {})})

    def start_publish(self, image, *options, target=None):
        return subprocess.Popen(self.publish_argv(image, *options, target=target), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)

    # What there is afterwards.

    def files(self, node="pve1"):
        """Volumes that are no guest's disk."""
        with self.cluster.lock:
            return sorted(volume.volid for volume in self.volumes.known.values()
                          if volume.kind in ("import", "vztmpl") and volume.node in (None, node))

    def disks(self):
        with self.cluster.lock:
            return sorted(volume.volid for volume in self.volumes.known.values() if volume.kind == "images")

    def guests(self):
        with self.cluster.lock:
            return {vmid: dict(guest.options) for vmid, guest in sorted(self.cluster.guests.items())}

    def leftovers(self):
        """Temporary files of uploads that are never removed."""
        return [path.name for path in self.directory.rglob("pveupload-*")]

    def settle(self, timeout=20):
        """Waits until no task runs."""
        self.wait(lambda: all(task.exitstatus for task in self.tasks.tasks.values()), timeout)
