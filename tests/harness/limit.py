# SPDX-License-Identifier: Apache-2.0
"""The time that a test may take. Not a test itself."""
import threading
import time


class Limit:
    """Calls act() in a thread of its own when `seconds` have passed that count. Between pause() and go_on() nothing counts, but a pause
    has a limit, too."""

    def __init__(self, seconds, act):
        self.left, self.act = seconds, act
        self.timer, self.since, self.paused = None, 0, False
        self.start(seconds)

    def start(self, seconds):
        self.since, self.timer = time.monotonic(), threading.Timer(seconds, self.act)
        self.timer.daemon = True
        self.timer.start()

    def stop(self):
        self.timer.cancel()

    def pause(self, seconds):
        if self.paused:
            return
        self.stop()
        self.left = max(0, self.left - (time.monotonic() - self.since))
        self.paused = True
        self.start(seconds)

    def go_on(self):
        if not self.paused:
            return
        self.stop()
        self.paused = False
        self.start(self.left)
