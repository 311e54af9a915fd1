#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fake PVE against what is known of the real one: recorded answers to odd requests (tests/pve/quirks.json) and the rules of its API,
as PVE 8 and as 9. Quick; an argument selects cases by a part of their name.
"""
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness  # makes the packages below importable
from pve import (selftest_agent, selftest_deploy, selftest_guests, selftest_http, selftest_publish, selftest_recorded, selftest_schema,
                 selftest_upload)
from pve.selftest import World, remove_certificates

SUITES = (selftest_http, selftest_agent, selftest_guests, selftest_schema, selftest_upload, selftest_publish, selftest_deploy,
          selftest_recorded)
WORKERS = 16  # most cases wait most of the time


def run(name, case, version):
    """The line that says how it went."""
    try:
        with World(version) as world:
            case(world)
        return f"ok {name}"
    except Exception as error:  # a case fails by any of them
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"not ok {name}: {type(error).__name__} {error} ({Path(where.filename).name}:{where.lineno})"


def cases(pattern):
    for version in (8, 9):
        for suite in SUITES:
            for name, case in suite.cases(version):
                full = f"fake_pve-{version}-{suite.__name__.rpartition('_')[2]}-{name}"
                if pattern in full:
                    yield full, case, version


def main():
    chosen = list(cases(sys.argv[1] if len(sys.argv) > 1 else ""))
    good = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        for line in pool.map(lambda one: run(*one), chosen):
            print(line, flush=True)
            good += line.startswith("ok ")
    remove_certificates()
    sys.exit(not chosen or good < len(chosen))


if __name__ == "__main__":
    main()
