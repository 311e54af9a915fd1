#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hostile package, whose script tries every way out of the build sandbox that tests/harness/escapes.c knows, in all four modes of a build:
root, a user with subordinate ids, root without CAP_SYS_ADMIN, and root in a container that may make no namespaces. A line for each way
and mode. docs/security.md names the ways that are open in the last."""
import ctypes
import fcntl
import os
import pty
import re
import shutil
import socket
import subprocess
import sys
import termios
import uuid

from harness import second_host
from harness.build_env import TOP, Check, private_cache, require_root, work_directory
from harness.repository import Flat, Key, Server

NO_ADMIN = ["capsh", "--drop=cap_sys_admin", "--", "-c", 'exec "$@"', "sh"]
CONFINED = [str(TOP / "tests/confine.py")]
# No namespace can be made, so these remain; docs/security.md says so.
IN_CONTAINER = {"the builder's user namespace", "the builder's cgroup namespace", "shared memory of the host"}
# Landlock closes these from its version 6 (Linux 6.12) on.
BY_LANDLOCK = {"an abstract socket", "a process of the host"}
LANDLOCK_SCOPES = 6
ADD_KEY, KEYCTL, LANDLOCK_VERSION = 248, 250, 444  # system calls of x86_64
SESSION_RING, USER_RING, JOIN_SESSION = -3, -4, 1
KEY_OF_MEMORY = 0x6E6B  # escapes.c looks for it
IPC_CREAT = 0o1000

libc = ctypes.CDLL(None, use_errno=True)


def landlock_version():
    return libc.syscall(LANDLOCK_VERSION, None, ctypes.c_size_t(0), 1)


class Host:
    """What a program that gets out finds."""

    def __init__(self, directory):
        self.canary = directory / "canary"
        self.canary.write_text("of the host")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.name = f"nodekiln-test-{uuid.uuid4()}"
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0" + self.name)
        self.abstract.listen(64)
        libc.syscall(KEYCTL, JOIN_SESSION, None)
        for ring in (SESSION_RING, USER_RING):
            libc.syscall(ADD_KEY, b"user", self.name.encode(), b"secret", ctypes.c_size_t(6), ring)
        self.process = subprocess.Popen(["sleep", "600"])
        self.memory = libc.shmget(KEY_OF_MEMORY, 4096, IPC_CREAT | 0o600)
        device = os.stat(directory).st_dev
        self.device = f"{os.major(device)}:{os.minor(device)}"

    def arguments(self):
        spaces = "".join(os.readlink(f"/proc/self/ns/{kind}") for kind in ("user", "cgroup"))
        return [str(self.canary), str(self.listener.getsockname()[1]), self.name, self.name, str(self.process.pid), self.device, spaces]

    def close(self):
        self.process.kill()
        self.process.wait()
        libc.shmctl(self.memory, 0, None)
        self.listener.close()
        self.abstract.close()


def publish(directory, host, key):
    program = directory / "escapes"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-static", "-O1", "-o", program,
                    *sorted((TOP / "tests/harness").glob("escapes*.c"))], check=True)
    script = "#!/bin/sh\nset -e\n/usr/lib/hostile/escapes " + " ".join(f"'{a}'" for a in host.arguments()) + "\n"
    served = directory / "served"
    served.mkdir()
    flat = Flat(served)
    flat.add("hostile", "1", files={"DEBIAN/postinst": script, "usr/lib/hostile/escapes": program.read_bytes()})
    flat.write(key)
    return served


def recipe(directory, url, key):
    (directory / "key.gpg").write_bytes(key.binary())
    return (f"name: small\ninclude: [tests/recipes/small.yaml]\nrepositories:\n  - url: {url}/\n    suite: /\n    components: []\n"
            f"    keyring: {directory}/key.gpg\npackages:\n  base: [hostile]\n")


def with_terminal(argv, cwd, environment):
    """A build that is started at a terminal."""
    ours, theirs = pty.openpty()

    def take():
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    done = subprocess.run(argv, cwd=cwd, env=environment, stdin=theirs, capture_output=True, text=True, errors="replace", preexec_fn=take)
    os.close(ours)
    os.close(theirs)
    return done


def ways(said):
    found = dict(re.findall(r"WAY (.*): ((?:open|closed).*)", said))
    count = re.search(r"WAYS (\d+)", said)
    return found if count and len(found) == int(count[1]) else {}


def build(check, mode, done, allowed=frozenset(), unknown=frozenset()):
    found = ways(done.stdout + done.stderr)
    check(f"{mode}: the package is configured", [] if done.returncode == 0 and found else [f"{done.stdout[-600:]}{done.stderr[-600:]}"])
    for way, answer in found.items():
        if way in unknown:
            print(f"skip {mode}: {way}: needs Landlock {LANDLOCK_SCOPES}")
        elif way not in allowed:
            check(f"{mode}: {way}", [answer] if answer.startswith("open") else [])


def as_root(checkout, cache, prefix=()):
    shutil.rmtree(cache / "trees", ignore_errors=True)
    argv = [*prefix, "out/nodekiln", "build", "recipe.yaml", "--plain", "--verbose", "--force", "--out", "images"]
    return with_terminal(argv, checkout, {**os.environ, "NODEKILN_CACHE": str(cache)})


def as_user(directory, checkout, cache):
    """In a checkout of the user's, with what root has downloaded."""
    theirs = directory / "theirs"
    shutil.copytree(checkout, theirs, symlinks=True)
    second_host.give(theirs)
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "NODEKILN_CACHE": str(second_host.cache(directory / "their-cache", cache))}
    return second_host.run(directory, ["out/nodekiln", "build", "recipe.yaml", "--plain", "--verbose", "--out", "theirs"], theirs, environment)


def main():
    require_root()
    check, directory = Check(), work_directory()
    key = Key(directory, "hostile")
    host = Host(directory)
    try:
        cache, checkout = private_cache(directory), directory / "checkout"
        second_host.checkout(checkout)
        with Server(publish(directory, host, key)) as server:
            (checkout / "recipe.yaml").write_text(recipe(directory, server.url, key))
            build(check, "root", as_root(checkout, cache))
            build(check, "a user", as_user(directory, checkout, cache))
            build(check, "root without CAP_SYS_ADMIN", as_root(checkout, cache, NO_ADMIN))
            old = landlock_version() < LANDLOCK_SCOPES
            build(check, "root in a container", as_root(checkout, cache, CONFINED), IN_CONTAINER, BY_LANDLOCK if old else frozenset())
    finally:
        host.close()
        key.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
