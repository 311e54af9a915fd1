# SPDX-License-Identifier: Apache-2.0
"""What a build holds in memory."""
import os
import re
import threading
from pathlib import Path

SAMPLE_SECONDS = 0.1


def shared():
    """Bytes in all tmpfs of this host."""
    return int(re.search(r"^Shmem: +(\d+) kB", Path("/proc/meminfo").read_text(), re.M)[1]) << 10


def descendants(pid):
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    found, more = set(), {pid}
    while more := {child for child, parent in parents.items() if parent in more}:
        found |= more
    return found


def proportional(pid):
    try:
        return int(re.search(r"^Pss: +(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1]) << 10
    except (OSError, TypeError):
        return 0  # it has just ended


class Watch(threading.Thread):
    """While the block runs, samples what this process's descendants hold, and what tmpfs grew by."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak = self.peak_shared = 0
        self.base, self.ended = shared(), threading.Event()

    def run(self):
        while not self.ended.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, sum(map(proportional, descendants(os.getpid()))))
            self.peak_shared = max(self.peak_shared, shared() - self.base)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()
