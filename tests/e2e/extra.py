#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""packages.extra: with the other packages' trees in the cache only the extra ones are installed, in both artifacts; the result is bit
for bit that of a build without any tree, alternatives and triggers included."""
import json
import os
import shutil
import sys

from harness.build_env import BuildEnv, Check, private_cache, read_members, require_root, work_directory

# It has an alternative, and files that base's packages have triggers for.
EXTRA = "less"
STATUS = "./var/lib/dpkg/status"
ARTIFACTS = ("small.qcow2", "small.tar.zst", "small.spdx.json")
MADE = {f"{what}-extra-{side}" for what in ("unpack", "configure", "save") for side in ("vm", "lxc")}


def failed(*builds):
    return [done.stderr.strip()[-300:] for done in builds if done.returncode]


def phases(kiln):
    """Of layers."""
    timings = json.loads((kiln.out / "small.manifest.json").read_text())["timings"]
    return {p["name"] for p in timings["phases"] if p["name"].split("-")[0] in ("unpack", "configure", "save")}


def installed(kiln):
    status = read_members(kiln.out / "small.tar.zst", (STATUS,)).get(STATUS, "")
    return [] if f"Package: {EXTRA}\nStatus: install ok installed\n" in status else [f"dpkg does not know {EXTRA}"]


def above_cached_trees(kiln):
    builds = [kiln.build()]
    kiln.recipe.write_text(kiln.recipe.read_text() + f"packages:\n  extra: [{EXTRA}]\n")
    builds.append(kiln.build())
    problems = failed(*builds)
    return problems or installed(kiln) + ([] if phases(kiln) == MADE else [f"made: {sorted(phases(kiln) ^ MADE)} more or less"])


def without_trees(kiln):
    warm = {name: (kiln.out / name).read_bytes() for name in ARTIFACTS}
    shutil.rmtree(kiln.cache / "trees")
    done = kiln.build("--force")
    return failed(done) or [f"{name} differs" for name in ARTIFACTS if (kiln.out / name).read_bytes() != warm[name]]


def what_is_there_is_no_layer(kiln):
    """bash is everywhere."""
    done = kiln.build("--set", "packages.extra=[bash]", "--set", "name=small", "--force")
    made = phases(kiln)
    return failed(done) or ([] if not made & {"unpack-base", "configure-vm"} else [f"made: {sorted(made)}"])


def main():
    require_root()
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    check, directory = Check(), work_directory()
    try:
        kiln = BuildEnv(directory / "kiln", cache=private_cache(directory))
        check("extra packages above cached trees", above_cached_trees(kiln))
        check("extra packages without trees: the same bits", without_trees(kiln))
        check("an extra package that is there", what_is_there_is_no_layer(kiln))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
