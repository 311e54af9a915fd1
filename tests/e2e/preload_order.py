#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The images of one archive have snapshots of the same numbers in every build: the store that the compiled containerd makes of many images is
equal bit for bit when it is made again. containerd 2 unpacks them side by side unless it is asked not to. containerd is the default
recipe's, from the cache."""
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile

from harness.build_env import BuildEnv, Check, private_cache, require_root, work_directory
from harness.second_host import archive

KEYS = """distribution: {suite: trixie}
architecture: amd64
packages: {base: [systemd]}
runtime: containerd
components: {containerd: 2.3, runc: 1.5}
images: {archives: [./images.tar]}
outputs:
  qcow2: {enabled: false}
"""
IMAGES, BUILDS, EPOCH = 24, 3, "1700000000"


def images():
    """`docker save` of images with a layer each, of different sizes, so that they end in another order than they begin."""
    members, manifest = {}, []
    for n in range(IMAGES):
        layer = archive({"file": bytes([n]) * (1 << (20 - n % 12))})
        digest = hashlib.sha256(layer).hexdigest()
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}})
        name = hashlib.sha256(config.encode()).hexdigest() + ".json"
        members |= {name: config.encode(), f"{digest}/layer.tar": layer}
        manifest.append({"Config": name, "RepoTags": [f"example.org/image-{n}:1"], "Layers": [f"{digest}/layer.tar"]})
    return archive({**members, "manifest.json": json.dumps(manifest).encode()})


def store(kiln):
    """{member: digest} of containerd's store."""
    unpacked = subprocess.run(["zstd", "-dcq", kiln.out / "small.tar.zst"], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as tar:
        return {m.name: hashlib.sha256(tar.extractfile(m).read()).hexdigest() for m in tar
                if m.isfile() and m.name.startswith("./var/lib/containerd/")}


def main():
    require_root()
    check, work = Check(), work_directory()
    try:
        kiln = BuildEnv(work / "kiln", KEYS, cache=private_cache(work))
        (kiln.directory / "images.tar").write_bytes(images())
        stores = []
        for build in range(BUILDS):
            shutil.rmtree(kiln.cache / "trees", ignore_errors=True)
            done = subprocess.run([*kiln.build_argv("--force"), "--set", f"description={build}"], capture_output=True, text=True,
                                  env=kiln.environment() | {"SOURCE_DATE_EPOCH": EPOCH})
            check(f"build {build + 1}", [] if done.returncode == 0 else [done.stderr.strip()[-400:]])
            if done.returncode == 0:
                stores.append(store(kiln))
        check("every image has a snapshot", [] if stores and sum(name.endswith("/fs/file") for name in stores[0]) == IMAGES else ["too few"])
        check("the store is the same in every build",
              [f"{name} differs" for other in stores[1:] for name in sorted(stores[0].keys() | other.keys())
               if stores[0].get(name) != other.get(name)][:6])
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return check.failed > 0


if __name__ == "__main__":
    sys.exit(main())
