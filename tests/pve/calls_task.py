# SPDX-License-Identifier: Apache-2.0
"""Asking for a task's end, its log, and stopping it."""
from .call import ANYBODY, method
from .errors import bad_parameters

TASK = "/nodes/{node}/tasks/{upid}"
LOG_LINES = 50


def need_task(call):
    task = call.fake.tasks.need(call)
    if call.node() != task.node:
        raise bad_parameters({"upid": "no such task"})
    return task


@method("GET", TASK + "/status", ANYBODY)
def status(call):
    return need_task(call).status()


@method("GET", TASK + "/log", ANYBODY)
def log(call):
    lines = need_task(call).lines
    start, limit = int(call.values.get("start") or 0), int(call.values.get("limit") or LOG_LINES)
    if call.values.get("limit") == "0":
        limit = len(lines)
    call.total = len(lines)
    return [{"n": start + i + 1, "t": text} for i, text in enumerate(lines[start:start + limit])]


@method("DELETE", TASK, ANYBODY)
def stop(call):
    task = need_task(call)
    if call.who not in (task.who, task.who.partition("!")[0]):
        call.acl.check(call.who, f"/nodes/{task.node}", ["Sys.Modify"])
    task.stopping = True


@method("GET", "/nodes/{node}/tasks", ANYBODY, protected=False)
def listing(call):
    """source: what ended (archive, the default), what runs (active), or both. What runs has the status RUNNING."""
    node, source = call.node(), call.values.get("source") or "archive"
    sees_all = call.acl.check(call.who, f"/nodes/{node}", ["Sys.Audit"], quiet=True)
    found = [task for task in call.fake.tasks.tasks.values()
             if task.node == node and source in ("all", "archive" if task.exitstatus else "active") and (sees_all or call.who in (task.who, task.who.partition("!")[0]))]
    call.total = len(found)
    return [{**task.status(), "status": task.exitstatus or "RUNNING"} for task in reversed(found)][:LOG_LINES]
