# SPDX-License-Identifier: Apache-2.0
"""Processes, ports and files."""
import ctypes
import hashlib
import os
import signal
import socket

LIBC = ctypes.CDLL(None)  # looked up before any thread may hold a lock that a fork would copy


def die_with_parent():
    """For preexec_fn. The "parent" is the thread that starts the process: start what must last from the main thread."""
    LIBC.prctl(1, signal.SIGKILL)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def kill_group(child):
    """Ends a process that leads a session, with all that it started."""
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
