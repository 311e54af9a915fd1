# SPDX-License-Identifier: Apache-2.0
"""Tasks: work that continues after its request was answered. A worker holds the cluster's lock only while it works."""
import re
import threading
import time
from dataclasses import dataclass, field

from .errors import ApiError, bad_parameters

FIRST_PID = 0x400
JOIN_SECONDS = 5


class Died(Exception):
    """The worker is gone, and its last line says nothing."""


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
    warnings: int = 0

    def log(self, text):
        self.lines.extend(text.split("\n"))

    def warn(self, text):
        self.warnings += 1
        self.log(f"WARN: {text}")

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
    """seconds: how long every task takes at least; kinds: more seconds for some of them, {"imgcopy": 2}; held: kinds that do not continue
    until they are taken out again; warn: what the tasks of a kind warn of.
    """

    def __init__(self, cluster):
        self.cluster = cluster
        self.tasks = {}
        self.pid = FIRST_PID
        self.seconds, self.kinds, self.held, self.warn = 0.0, {}, set(), {}
        self.threads = []
        self.dying = set()  # kinds whose next worker dies without a word

    def start(self, call, kind, ident, function, node=None, begin=None):
        """Returns the UPID; function(task) raises what the task ends with. begin(task) is what the worker does at once, before the
        time that the task takes.
        """
        self.pid += 7
        now, pstart = int(time.time()), int(time.monotonic() * 100) & 0xFFFFFFFF
        node = node or call.cluster.need_node(call.values.get("node", call.cluster.node))
        upid = f"UPID:{node}:{self.pid:08X}:{pstart:08X}:{now:08X}:{kind}:{ident}:{call.who}:"
        task = self.tasks[upid] = Task(upid, node, kind, ident, call.who, self.pid, pstart, now)
        thread = threading.Thread(target=self.work, args=(task, begin, function), daemon=True, name=upid)
        self.threads = [*filter(threading.Thread.is_alive, self.threads), thread]
        thread.start()
        return upid

    def stop_all(self):
        """The end of everything: workers end too."""
        for task in self.tasks.values():
            task.stopping = True
        for thread in self.threads:
            thread.join(JOIN_SECONDS)

    def work(self, task, begin, function):
        try:
            if begin:
                with self.cluster.lock:
                    begin(task)
            self.sleep(task, self.seconds + self.kinds.get(task.kind, 0))
            with self.cluster.lock:
                self.finish(task, function)
            if task.kind in self.warn:
                task.warn(self.warn[task.kind])
            status = f"WARNINGS: {task.warnings}" if task.warnings else "OK"
            self.end(task, status, f"TASK {status}")
        except Died:
            self.end(task, "unexpected status")
        except ApiError as error:
            self.end(task, error.task_text(), f"TASK ERROR: {error.task_text()}")
        except Exception as error:
            self.end(task, f"the fake is broken: {error!r}")
            raise

    def finish(self, task, function):
        if task.kind in self.dying:
            self.dying.discard(task.kind)
            raise Died
        if task.stopping:
            raise ApiError("interrupted by signal")
        function(task)

    def end(self, task, exitstatus, line=None):
        with self.cluster.lock:
            task.log(line) if line else None
            task.exitstatus, task.ended = exitstatus, int(time.time())

    def wait(self, upid, seconds):
        """For a method that waits for its own task; it holds the cluster's lock, the task needs it."""
        until, task = time.monotonic() + seconds, self.tasks[upid]
        while not task.exitstatus and time.monotonic() < until:
            self.pause(task, 0.02)
        return task

    def breathe(self):
        """Lets others at the cluster, in the middle of something long."""
        self.cluster.lock.release()
        self.cluster.lock.acquire()

    def sleep(self, task, seconds):
        until = time.monotonic() + seconds
        while (time.monotonic() < until or task.kind in self.held) and not task.stopping:
            time.sleep(0.01)

    def pause(self, task, seconds):
        """For a worker in the middle of its work: others may use the cluster meanwhile."""
        self.cluster.lock.release()
        try:
            self.sleep(task, seconds)
        finally:
            self.cluster.lock.acquire()

    def need(self, call):
        """The task of a call, when who calls may see it: its own user, or the very same token, or who may audit the node."""
        if not re.fullmatch(r"UPID:[^:\s]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:[^:\s]+:[^:\s]*:[^:\s]+:", call.values["upid"]):
            raise bad_parameters({"upid": "unable to parse worker upid"})
        task = self.tasks.get(call.values["upid"])
        if not task:
            raise bad_parameters({"upid": "no such task"})
        if call.who not in (task.who, task.who.partition("!")[0]):
            call.acl.check(call.who, f"/nodes/{task.node}", ["Sys.Audit"])
        return task
