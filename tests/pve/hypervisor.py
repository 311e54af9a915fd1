# SPDX-License-Identifier: Apache-2.0
"""What runs the guests. This one runs nothing: they only say that they are on."""


class Hypervisor:
    """Its methods are called by the thread that holds the cluster's lock, in a task or in a request: they must be quick. A guest that goes off by
    itself is reported with FakePve.went_off(guest).
    """

    def start(self, pve, guest):
        """The guest's options are what it starts with; an exception is what the task ends with."""

    def stop(self, pve, guest):
        """As by pulling its plug."""

    def changed(self, pve, guest):
        """The guest runs, and its options are other ones now: a disc was taken out, say."""
