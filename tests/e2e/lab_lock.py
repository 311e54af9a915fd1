#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lab_lock.py: one native lab at a time (harness/lab_lock.py). A lab that waits says for which one, and tests/run does not count the wait."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import lab_lock
from harness.cases import Failed, check, report, same
from harness.build_env import TOP

NAME = f"\0nodekiln-lab-lock-{os.getpid()}"
LIMIT = 2  # seconds that a test may take
TESTS = {  # each takes longer than LIMIT
    "waits": f"print('{lab_lock.WAITS} a program', flush=True); time.sleep({LIMIT + 1}); "
             f"print('{lab_lock.WAITED} a while', flush=True); print('ok waits', flush=True)",
    "waits-and-hangs": f"print('{lab_lock.WAITS} a program', flush=True); time.sleep(0.1); "
                       f"print('{lab_lock.WAITED} a while', flush=True); time.sleep(30); print('ok hangs', flush=True)",
    "hangs": "time.sleep(30); print('ok hangs', flush=True)",
}


@contextlib.contextmanager
def other(listens=True):
    """Another program that holds the lock: its process."""
    code = f"import socket,time; s=socket.socket(socket.AF_UNIX); s.bind({NAME!r}); {'s.listen(); ' * listens}print(flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code, "other-lab"], stdout=subprocess.PIPE, text=True)
    child.stdout.readline()
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def acquire(seconds):
    """(lock or None, what was said, the sentence)"""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            return lab_lock.acquire(NAME, seconds), said.getvalue(), ""
        except Failed as why:
            return None, said.getvalue(), str(why)


def a_free_lock_is_taken_in_silence():
    lock, said, _ = acquire(1)
    check(lock, "no lock")
    lock.close()
    same(said, "")


def the_holder_is_named():
    with other() as child:
        lock, said, why = acquire(0.5)
    check(lock is None, "two have the lock")
    check(f"process {child.pid}: {sys.executable} -c" in why and why.endswith("other-lab; end it, or run this test later"), why)
    check(said.startswith(f"{lab_lock.WAITS} the native lab of process {child.pid}: "), said)


def a_holder_that_does_not_listen_is_waited_for():
    with other(listens=False):
        lock, _, why = acquire(1.5)
    check(lock is None and "another native lab on this host" in why, why)


def the_lock_is_free_when_its_holder_ends():
    with other() as child:
        waiter = subprocess.Popen([sys.executable, "-c", f"from harness import lab_lock; lab_lock.acquire({NAME!r}, 30)"], text=True,
                                  stdout=subprocess.PIPE, cwd=TOP / "tests")
        first = waiter.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        begun = time.monotonic()
        rest = waiter.communicate(timeout=20)[0]
    check(first.startswith(lab_lock.WAITS) and rest.startswith(lab_lock.WAITED) and waiter.returncode == 0, f"{first!r}, {rest!r}")
    check(time.monotonic() - begun < 10, "the end of the holder was not seen")


def runner():
    """tests/run, as a module."""
    loader = importlib.machinery.SourceFileLoader("runner", str(TOP / "tests/run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("runner", loader))
    loader.exec_module(module)
    return module


def limits_of_tests():
    """{name of a test: its counts}"""
    run, found = runner(), {}
    with tempfile.TemporaryDirectory() as directory:
        run.TOP, run.TIMEOUT = Path(directory), {"": LIMIT}
        for name, code in TESTS.items():
            file = run.TOP / name
            file.write_text(f"#!{sys.executable}\nimport time\n{code}\n")
            file.chmod(0o755)
            counts = {"passed": 0, "failed": 0, "skipped": 0}
            with contextlib.redirect_stdout(io.StringIO()):
                run.run(file, counts, [])
            found[name] = [kind for kind, n in counts.items() if n]
    return found


def a_wait_is_not_counted():
    same(limits_of_tests(), {"waits": ["passed"], "waits-and-hangs": ["failed"], "hangs": ["failed"]})


CASES = (a_free_lock_is_taken_in_silence, the_holder_is_named, a_holder_that_does_not_listen_is_waited_for,
         the_lock_is_free_when_its_holder_ends, a_wait_is_not_counted)


def main():
    fine = True
    for case in CASES:
        try:
            case()
            fine &= report(f"lab_lock: {case.__name__}", [])
        except (Failed, subprocess.SubprocessError) as why:
            fine &= report(f"lab_lock: {case.__name__}", [str(why)])
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
