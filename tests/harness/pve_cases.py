# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of a test file, each against a strict fake of its own, as Proxmox VE 8 and as 9."""
import shutil
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pve.certificates import Certificates
from pve.server import NAMES

VERSIONS = (8, 9)


class Cases:
    """name: the test's. prepare(version, work, certificates): a context manager whose value is the tuple of a case's arguments."""

    def __init__(self, name, prepare, workers):
        self.name, self.prepare, self.workers, self.functions = name, prepare, workers, []

    def __call__(self, function):
        """The decorator of a case."""
        self.functions.append(function)
        return function

    def name_of(self, function, version):
        return f"{self.name}-{version}-{function.__name__.replace('_', '-')}"

    def run(self, function, version, certificates):
        """The line of one case."""
        name, started = self.name_of(function, version), time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"nodekiln-{self.name}-", ignore_cleanup_errors=True) as work:
            try:
                with self.prepare(version, Path(work), certificates) as arguments:
                    function(*arguments)
                return f"ok {name} ({time.monotonic() - started:.1f} s)"
            except Exception as error:  # a case fails by any of them
                frames = traceback.extract_tb(error.__traceback__)
                lines = "/".join(str(frame.lineno) for frame in frames if frame.filename == function.__code__.co_filename)
                return f"not ok {name}: line {lines}: {type(error).__name__} {' '.join(str(error).split())}"

    def main(self):
        """The cases whose name contains the first argument; exits."""
        pattern = sys.argv[1] if len(sys.argv) > 1 else ""
        chosen = [(function, version) for version in VERSIONS for function in self.functions
                  if pattern in self.name_of(function, version)]
        good, directory = 0, Path(tempfile.mkdtemp(prefix=f"nodekiln-{self.name}-"))
        try:
            for version in VERSIONS:
                Certificates(directory / str(version), version, [*NAMES, "pve1"])
            with ThreadPoolExecutor(self.workers) as pool:
                for line in pool.map(lambda one: self.run(*one, directory / str(one[1])), chosen):
                    print(line, flush=True)
                    good += line.startswith("ok ")
        finally:
            shutil.rmtree(directory)
        sys.exit(not chosen or good < len(chosen))
