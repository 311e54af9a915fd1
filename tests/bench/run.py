# SPDX-License-Identifier: Apache-2.0
"""A command that is measured."""
import os
import subprocess
import time
from pathlib import Path

from harness.process import die_with_parent

TOP = Path(__file__).resolve().parent.parent.parent
TAIL_LINES = 5


class CommandFailed(Exception):
    pass


class Run:
    """Wall and CPU seconds of a command and everything that it waited for. It ends with us."""

    def __init__(self, argv, log, **options):
        self.download = 0.0  # seconds of it that went into fetching, where known
        with open(log, "ab") as out:
            begin = time.monotonic()
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=die_with_parent, **options)
            try:
                _, status, usage = os.wait4(child.pid, 0)
            except BaseException:  # a signal ends us: no process may write any more where the caller cleans up
                child.kill()
                child.wait()
                raise
            self.wall = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        if child.returncode != 0:
            tail = Path(log).read_text(errors="replace").splitlines()[-TAIL_LINES:]
            raise CommandFailed(f"exit status {child.returncode}: " + " / ".join(tail))
