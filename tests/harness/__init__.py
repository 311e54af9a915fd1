# SPDX-License-Identifier: Apache-2.0
"""What the Python tests share. Each directory of tests has a link to this package, so that a test that is run by itself finds it.

Importing it makes the packages of tests/ importable: pve (the strict fake of Proxmox VE) and cluster.
"""
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
