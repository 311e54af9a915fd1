# SPDX-License-Identifier: Apache-2.0
"""Tasks: work that goes on after its request was answered. A worker holds the cluster's lock only while it works."""
import threading
import time
from dataclasses import dataclass, field

from .errors import ApiError, bad_parameters

FIRST_PID = 0x400


@dataclass
class Task:
    upid: str
    node: str
    kind: str
    id: str
    who: str
    pid: int
    pstart: int
    started: int
    lines: list = field(default_factory=list)
    exitstatus: str = None
    ended: int = None
    stopping: bool = False

    def log(self, text):
        self.lines.extend(text.split("\n"))

    def status(self):
        user, _, token = self.who.partition("!")
        entry = {"upid": self.upid, "node": self.node, "type": self.kind, "id": self.id, "user": user, "pid": self.pid,
                 "pstart": self.pstart, "starttime": self.started, "status": "stopped" if self.exitstatus else "running"}
        if token:
            entry["tokenid"] = token
        if self.exitstatus:
            entry["exitstatus"] = self.exitstatus
        return entry


class Tasks:
    """seconds: how long every task takes at least; kinds: more seconds for some of them, {"imgcopy": 2}."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.tasks = {}
        self.pid = FIRST_PID
        self.seconds, self.kinds = 0.0, {}
        self.dying = set()  # kinds whose next worker dies without a word

    def start(self, call, kind, ident, function, node=None):
        """Returns the UPID; function(task) raises what the task ends with."""
        self.pid += 7
        now, pstart = int(time.time()), int(time.monotonic() * 100) & 0xFFFFFFFF
        node = node or call.cluster.need_node(call.values.get("node", call.cluster.node))
        upid = f"UPID:{node}:{self.pid:08X}:{pstart:08X}:{now:08X}:{kind}:{ident}:{call.who}:"
        task = self.tasks[upid] = Task(upid, node, kind, ident, call.who, self.pid, pstart, now)
        threading.Thread(target=self.work, args=(task, function), daemon=True, name=upid).start()
        return upid

    def work(self, task, function):
        self.sleep(task, self.seconds + self.kinds.get(task.kind, 0))
        with self.cluster.lock:
            try:
                if task.kind in self.dying:
                    self.dying.discard(task.kind)
                    task.exitstatus = "unexpected status"
                    return
                if task.stopping:
                    raise ApiError("interrupted by signal")
                function(task)
                task.log("TASK OK")
                task.exitstatus = "OK"
            except ApiError as error:
                task.log(f"TASK ERROR: {error.task_text()}")
                task.exitstatus = error.task_text()
            finally:
                task.exitstatus = task.exitstatus or "unexpected status"
                task.ended = int(time.time())

    def sleep(self, task, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until and not task.stopping:
            time.sleep(min(0.02, seconds))

    def pause(self, task, seconds):
        """For a worker in the middle of its work: others may use the cluster meanwhile."""
        self.cluster.lock.release()
        try:
            self.sleep(task, seconds)
        finally:
            self.cluster.lock.acquire()
        if task.stopping:
            raise ApiError("interrupted by signal")

    def need(self, call):
        """The task of a call, when who calls may see it: its own user, or the very same token, or who may audit the node."""
        task = self.tasks.get(call.values["upid"])
        if not task:
            raise bad_parameters({"upid": "no such task"})
        if call.who not in (task.who, task.who.partition("!")[0]):
            call.acl.check(call.who, f"/nodes/{task.node}", ["Sys.Audit"])
        return task
