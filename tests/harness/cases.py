# SPDX-License-Identifier: Apache-2.0
"""Checks that end a case, and the lines that tests/run counts."""
import re


class Failed(Exception):
    """A case fails with the text."""


def check(condition, why):
    if not condition:
        raise Failed(why)


def same(found, wanted, what=""):
    check(found == wanted, f"{what + ': ' if what else ''}got {found!r}, want {wanted!r}")


def matches(found, pattern):
    check(re.fullmatch(pattern, found), f"got '{found}', want {pattern}")


def exited(done, code=0):
    """done: a subprocess.CompletedProcess. Returns it."""
    check(done.returncode == code, f"exit code {done.returncode}, want {code}: {done.stdout[-300:]}{done.stderr[-900:]}")
    return done


def say(lines):
    """In one piece, so that threads do not mix their lines."""
    print("\n".join(lines), flush=True)


def report(name, problems):
    """Prints "ok NAME" or "not ok NAME: why". Returns whether it is ok."""
    print(f"not ok {name}: {'; '.join(problems)}" if problems else f"ok {name}", flush=True)
    return not problems
