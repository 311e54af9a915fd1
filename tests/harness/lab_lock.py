# SPDX-License-Identifier: Apache-2.0
"""One native lab at a time on a host: all of them share its limit of inotify instances (128 by default), which the kubelets of two labs
exceed. A lab holds a name in the abstract namespace of Unix sockets, which is free again when its process has ended, and listens
on it: a lab that waits is connected, so the kernel says which process it waits for, and the connection ends with that process.

The time that a test waits is not its own: tests/run does not count what passes between a line that begins with WAITS and one that
begins with WAITED.
"""
import errno
import socket
import struct
import time
from pathlib import Path

from harness.cases import Failed, say

NAME, SECONDS = "\0nodekiln-native-lab", 3600
WAITS, WAITED = "# waits for", "# waited"
LOOK_SECONDS = 1  # between two attempts when the holder cannot be asked


def program(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "a program that cannot be seen here"


def connected(name):
    """A connection to the holder; None: it has just ended, or does not listen."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(name)
        return connection
    except OSError:
        connection.close()
        return None


def described(connection):
    if connection is None:
        return "another native lab on this host"
    pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return f"the native lab of process {pid}: {program(pid)}"


def wait_for_end(connection, seconds):
    """Of the holder, at most so long."""
    if connection is None:
        return time.sleep(min(seconds, LOOK_SECONDS))
    connection.settimeout(seconds)
    try:
        connection.recv(1)
    except OSError:  # it takes too long, or ended without having seen us
        pass


def hold(name):
    """The lock, held until it is closed; None: another process has it."""
    lock = socket.socket(socket.AF_UNIX)
    try:
        lock.bind(name)
        lock.listen(socket.SOMAXCONN)
        return lock
    except OSError as why:
        lock.close()
        if why.errno != errno.EADDRINUSE:
            raise
        return None


def acquire(name=NAME, seconds=SECONDS):
    """Keeps other labs of this host waiting until what it returns is closed."""
    begun, who = time.monotonic(), None
    while (lock := hold(name)) is None:
        left = begun + seconds - time.monotonic()
        if left <= 0:
            say([f"{WAITED} {seconds} s"])
            raise Failed(f"waited {seconds} s for {who}; end it, or run this test later")
        connection = connected(name)
        if (now := described(connection)) != who:
            say([f"{WAITS} {now}"])
            who = now
        wait_for_end(connection, left)
        if connection:
            connection.close()
    if who:
        say([f"{WAITED} {time.monotonic() - begun:.0f} s"])
    return lock
