#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The set-up of `make image` and `make test` (builder/host/install-packages) while another program has apt's locks: with an apt-get in PATH
that fails as apt does, and once with apt itself, on a state of its own."""
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SCRIPT = TOP / "builder/host/install-packages"
LISTS = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)\nE: Unable to lock directory /var/lib/apt/lists/"
DPKG = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (unattended-upgr)\n" \
       "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?"
ARCHIVES = "E: Could not get lock /var/cache/apt/archives/lock. It is held by process 4711 (apt)"


def run(directory, fails, **env):
    """fails: what apt-get says at which call, from 0; all others succeed. The calls are returned, too."""
    programs, calls = directory / "bin", directory / "calls"
    shutil.rmtree(programs, ignore_errors=True)
    programs.mkdir()
    calls.write_text("")
    for i, text in fails.items():
        (programs / f"fail-{i}").write_text(text + "\n")
    (programs / "apt-get").write_text(f'#!/bin/sh\nn=$(wc -l <{calls})\necho "$*" >>{calls}\n'
                                      f'[ -e {programs}/fail-$n ] && {{ cat {programs}/fail-$n >&2; exit 100; }}\nexit 0\n')
    (programs / "dpkg-query").write_text('#!/bin/sh\ncase $* in *present*) echo "ii ";; *) exit 1;; esac\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    done = subprocess.run([SCRIPT, "present", "one", "two"], env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "SUDO": "", **env},
                          capture_output=True, text=True, timeout=60)
    return done, calls.read_text().splitlines()


UPDATE, INSTALL = "-qq update", "-qq install -y --no-install-recommends one two"


def no_lock_is_held(directory):
    done, calls = run(directory, {})
    assert done.returncode == 0 and calls == [UPDATE, INSTALL] and "WAIT" not in done.stdout, (done, calls)


def locks_that_become_free(directory):
    done, calls = run(directory, {0: LISTS, 1: LISTS})
    assert done.returncode == 0 and calls == [UPDATE] * 3 + [INSTALL], (done, calls)
    assert done.stdout.count("WAIT") == 1 and "held by process 4711 (apt-get)" in done.stdout, done.stdout
    for text in (DPKG, ARCHIVES):
        done, calls = run(directory, {1: text, 2: text})
        assert done.returncode == 0 and calls == [UPDATE] + [INSTALL] * 3 and "held by process 4711" in done.stdout, (done, calls)


def a_lock_that_stays(directory):
    done, calls = run(directory, dict.fromkeys(range(9), LISTS), APT_WAIT="2")
    assert done.returncode == 1 and len(calls) == 3 and "4711" in done.stderr, (done, calls)


def another_failure(directory):
    done, calls = run(directory, {0: "E: Unable to locate package one"})
    assert done.returncode == 1 and calls == [UPDATE] and "Unable to locate" in done.stderr, (done, calls)


def apt_itself(directory):
    """The lock of the lists is a lock of fcntl(2): the test holds it for a moment, on lists of its own."""
    for name in ("lists/partial", "archives/partial"):
        (directory / name).mkdir(parents=True)
    (directory / "status").write_text("")
    (directory / "sources.list").write_text("")
    config = directory / "apt.conf"
    config.write_text(f'Dir::State::lists "{directory}/lists";\nDir::State::status "{directory}/status";\nDir::Cache "{directory}";\n'
                      f'Dir::Etc::sourcelist "{directory}/sources.list";\nDir::Etc::sourceparts "/dev/null";\nAPT::Sandbox::User "root";\n'
                      '#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n')
    with open(directory / "lists/lock", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        release = threading.Timer(4, lambda: fcntl.lockf(lock, fcntl.LOCK_UN))
        release.start()
        start = time.monotonic()
        done = subprocess.run([SCRIPT, "no-such-package-of-ours"], env={**os.environ, "APT_CONFIG": str(config), "SUDO": ""},
                              capture_output=True, text=True, timeout=60)
        release.cancel()
    assert time.monotonic() - start > 3 and f"lock {directory}/lists/lock" in done.stdout and "WAIT" in done.stdout, done
    assert done.returncode == 1 and "Unable to locate package" in done.stderr, done


CASES = {f.__name__.replace("_", "-"): f for f in (no_lock_is_held, locks_that_become_free, a_lock_that_stays, another_failure, apt_itself)}


def main():
    failed = 0
    for name, case in CASES.items():
        directory = Path(tempfile.mkdtemp(prefix="nodekiln-setup."))
        try:
            case(directory)
            print(f"ok {name}", flush=True)
        except AssertionError as wrong:
            failed += 1
            print(f"not ok {name}: {wrong}", flush=True)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
