#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far the units of a guest are confined, by `systemd-analyze security`: docs/security.md names the figures."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
UNITS = TOP / "rootfs-overlays/common/etc/systemd/system"
NAMES = ("nodekiln-routes", "nodekiln-agent")  # without confinement: 9.6


def exposure(unit):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", UNITS / f"{unit}.service"],
                          capture_output=True, text=True)
    found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    return float(found[1]) if found else None


def documented(unit):
    """The first figure with a point in the unit's row."""
    row = re.search(rf"^\| `{unit}\.service` \| .*?([0-9]+\.[0-9])", (TOP / "docs/security.md").read_text(), re.M)
    return float(row[1]) if row else None


def main():
    if not shutil.which("systemd-analyze"):
        print("skip units: needs systemd-analyze")
        return 0
    failed = 0
    for unit in NAMES:
        level, limit = exposure(unit), documented(unit)
        fine = level is not None and level == limit
        failed += not fine
        print(f"ok units: {unit}" if fine else f"not ok units: {unit}: exposure {level}, in docs/security.md {limit}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
