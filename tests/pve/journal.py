# SPDX-License-Identifier: Apache-2.0
"""Every request that came, for a test to look at afterwards. Holds secrets: it is a test's memory."""
import threading
import time
from dataclasses import asdict, dataclass


@dataclass
class Entry:
    at: float
    method: str
    path: str  # below /api2/json
    values: dict
    who: str
    status: int  # 0 = the connection ended without an answer
    headers: list

    def plain(self):
        return asdict(self)


class Journal:
    def __init__(self):
        self.lock = threading.Condition()
        self.entries = []

    def note(self, request, who, values, status):
        path = request.path.removeprefix("/api2/json")
        with self.lock:
            self.entries.append(Entry(time.time(), request.method, path, dict(values), who, status, list(request.headers)))
            self.lock.notify_all()

    def clear(self):
        with self.lock:
            self.entries.clear()

    def find(self, method=None, path="", status=None):
        """Entries whose path contains `path`."""
        with self.lock:
            return [entry for entry in self.entries if method in (None, entry.method) and path in entry.path
                    and status in (None, entry.status)]

    def wait_for(self, method=None, path="", status=None, count=1, timeout=10):
        """Waits until there are `count` of them; returns them."""
        until = time.monotonic() + timeout
        with self.lock:
            while len(found := self.find(method, path, status)) < count:
                if not self.lock.wait(max(0, until - time.monotonic())):
                    raise TimeoutError(f"{method or 'any'} {path}: {len(found)} of {count} requests after {timeout} s")
        return found
