# SPDX-License-Identifier: Apache-2.0
"""A cluster of real guests on this machine. Importing harness makes this package importable."""
