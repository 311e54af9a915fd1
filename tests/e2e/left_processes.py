#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packages whose scripts leave processes that keep stdout: dpkg's end is the end of the build's step, what they left is killed, and each
package is named once. As root, and as root in a container that may make no namespaces."""
import re
import shutil
import subprocess
import sys

from harness.build_env import TOP, BuildEnv, Check, left_behind, host_state, private_cache, require_root, work_directory
from harness.repository import Flat, Key, Server

SECONDS = 1200  # of one build on a busy host; what is left would run for an hour, or without end
LEFT = "left a process running when it was installed"
# The script, and how it starts the process. `clean` has no environment: nothing names its package.
SCRIPTS = {
    "postinst": ("postinst", "sleep 3601 &", "sleep"),
    "preinst": ("preinst", "setsid sleep 3602 &", "sleep"),
    "stubborn": ("postinst", "(trap '' TERM HUP PIPE; while :; do echo noise || :; sleep 0.01; done) &", None),
    "daemon": ("postinst", "(setsid /bin/sleep 3603 </dev/null &)", "sleep"),
    "other-user": ("postinst", "setpriv --reuid=65534 --regid=65534 --clear-groups sleep 3604 &", "sleep"),
    "twice": ("postinst", "sleep 3605 & sleep 3606 &", "sleep"),
    "short": ("postinst", "sleep 0.05 &", None),
}
SILENT = {"short"}  # it ends by itself
NEEDS_NAMESPACES = {"other-user"}  # without, the kernel shows the environment of a process to its own user only


def publish(directory, key):
    served = directory / "served"
    served.mkdir()
    flat = Flat(served)
    for name, (script, command, _) in SCRIPTS.items():
        flat.add(f"left-{name}", "1", files={f"DEBIAN/{script}": f"#!/bin/sh\nset -e\n{command}\n"})
    flat.add("left-clean", "1", files={"DEBIAN/postinst": "#!/bin/sh\nset -e\nenv -i /bin/sleep 3607 &\n"})
    flat.write(key)
    return served


def keys(directory, url, key):
    (directory / "key.gpg").write_bytes(key.binary())
    names = ", ".join(f"left-{name}" for name in [*SCRIPTS, "clean"])
    return (f"repositories:\n  - url: {url}/\n    suite: /\n    components: []\n    keyring: {directory}/key.gpg\n"
            f"packages:\n  extra: [{names}]\n")


def named(said, unknown):
    problems = []
    for name, (_, _, program) in SCRIPTS.items():
        lines = re.findall(rf"left-{name} {LEFT} \((.*?)\)", said)
        # In both artifacts' layers.
        want = 0 if name in SILENT | unknown else 2
        if len(lines) != want or (program and set(lines) - {program}):
            problems.append(f"{name}: {len(lines)} warnings, not {want}: {lines}")
    return problems + ([] if re.search(rf"a package {LEFT}", said) else ["the process without an environment is not named"])


def build(kiln, prefix, unknown):
    before = host_state()
    try:
        done = subprocess.run([*prefix, *kiln.build_argv("--force")], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", env=kiln.environment(), timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return [f"the build has not ended after {SECONDS} s"]
    problems = [] if done.returncode == 0 else [done.stderr.strip()[-400:]]
    return problems or named(done.stderr, unknown) + left_behind(kiln, before)


def main():
    require_root()
    check, directory = Check(), work_directory()
    key = Key(directory, "left")
    try:
        with Server(publish(directory, key)) as server:
            kiln = BuildEnv(directory / "kiln", keys(directory, server.url, key), private_cache(directory))
            check("left processes: root", build(kiln, [], set()))
            shutil.rmtree(kiln.cache / "trees")
            check("left processes: root in a container", build(kiln, [TOP / "tests/confine.py"], NEEDS_NAMESPACES))
    finally:
        key.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
