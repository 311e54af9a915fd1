# SPDX-License-Identifier: Apache-2.0
"""What the tests of `nodekiln publish` share."""
import contextlib
from pathlib import Path

from harness.cases import check, same
from harness.pve_cases import Cases
from harness.pve_env import Image, PveEnv

WORKERS = 4


@contextlib.contextmanager
def prepare(version, work, certificates):
    with PveEnv(version, work / "cloud", nodes=("pve2",), certificates=certificates) as cloud:
        yield cloud, Image(work / "out")


def cases(name):
    return Cases(name, prepare, WORKERS)


def changes(cloud):
    return [(entry.method, entry.path) for entry in cloud.journal.find() if entry.method != "GET"]


def published(cloud, image, node="pve1", count=1, templates=None, temporary=True, vztmpl="local"):
    """The image is there, and nothing that should not be. Returns the VMIDs of its templates. temporary: nor may an upload's file (which
    a server that broke leaves behind; it cannot be removed from outside)."""
    cloud.settle()
    name = image.stem()
    mine = {vmid: options for vmid, options in cloud.guests().items() if options.get("name") == name
            and cloud.cluster.guests[vmid].node == node}
    same(len(mine), count, f"templates of {name}")
    for vmid, options in mine.items():
        same(options.get("template"), "1", f"VM {vmid} template")
        check(f'"vmid":{vmid},"state":"ready"' in options["description"], f"notes of VM {vmid}: {options['description']}")
        wanted = {"nodekiln", f"kiln.image.{image.name}", f"kiln.version.{image.version}", f"kiln.sha.{image.sha256('qcow2')[:12]}",
                  f"kiln.node.{node}"}
        check(wanted <= set(options["tags"].split(";")), f"tags of VM {vmid}: {options['tags']}")
        same(vmid in cloud.cluster.directory.pools["k8s"].vms, True, f"VM {vmid} in its pool")
    same(len(cloud.guests()), templates if templates is not None else count, "guests")
    for volid in cloud.disks():
        check(any(f"-{vmid}-" in volid for vmid in cloud.guests()), f"a disk of no guest: {volid}")
    if "tar.zst" in image.files:
        check(f"{vztmpl}:vztmpl/{image.stem('tar.zst')}.tar.zst" in cloud.files(node), f"files: {cloud.files(node)}")
        volume = cloud.volumes.find(f"{vztmpl}:vztmpl/{image.stem('tar.zst')}.tar.zst", node)
        same(Path(volume.file).read_bytes() == image.files["tar.zst"], True, "the container's bytes")
    check(not temporary or not cloud.leftovers(), f"temporary files: {cloud.leftovers()}")
    return sorted(mine)


def nothing(cloud):
    cloud.settle()
    same(cloud.guests(), {}, "guests")
    same(cloud.disks(), [], "disks")
    same(cloud.files(), [], "files")
