# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on purpose: which requests it happens to, how often, and what happens to them."""
import re
import threading
from dataclasses import dataclass

PROXY_REASONS = {595: "Connection refused", 596: "Connection timed out", 597: "Connection closed", 599: "Too many redirections"}
LOCK_TIMEOUT = "cfs-lock 'file-user_cfg' error: got lock request timeout"


@dataclass
class Fault:
    """method and path (a regular expression searched in the path) say which requests; skip so many first, then times of them.

    kind: "answer" (status, reason, body), "cut" (no answer), "hang" (seconds, then continue), "run" (function(request)).
    carry_out: the request is done all the same, only its answer is lost or replaced.
    """
    kind: str
    method: str = None
    path: str = ""
    times: int = 1
    skip: int = 0
    carry_out: bool = False
    status: int = 500
    reason: str = ""
    body: str = None
    seconds: float = 0
    function: callable = None
    after: bool = False  # "run": once the answer is made, before it is sent

    def matches(self, method, path):
        return (self.method in (None, method)) and re.search(self.path, path) is not None


class Faults:
    def __init__(self):
        self.lock = threading.Lock()
        self.waiting = []

    def add(self, kind, **more):
        fault = Fault(kind, **more)
        with self.lock:
            self.waiting.append(fault)
        return fault

    def answer(self, status, reason="", **more):
        """595 to 599 are what pveproxy says when pvedaemon does not: no body."""
        return self.add("answer", status=status, reason=reason or PROXY_REASONS.get(status, LOCK_TIMEOUT), **more)

    def clear(self):
        with self.lock:
            self.waiting.clear()

    def take(self, method, path):
        """The faults that this request meets."""
        met = []
        with self.lock:
            for fault in list(self.waiting):
                if not fault.matches(method, path):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                met.append(fault)
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
        return met
