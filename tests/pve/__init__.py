# SPDX-License-Identifier: Apache-2.0
"""A strict fake of the Proxmox VE API. from pve.server import FakePve"""
