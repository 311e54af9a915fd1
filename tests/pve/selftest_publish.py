# SPDX-License-Identifier: Apache-2.0
"""Storage, tasks, creating and cloning."""
from .selftest import Cases

case = Cases()
cases = case.of
