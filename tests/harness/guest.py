# SPDX-License-Identifier: Apache-2.0
"""A virtual machine as a test sees it: over ssh."""
import re
import shlex
import subprocess
import time

from harness.cases import Failed
from harness.process import die_with_parent, free_port


class Guest:
    """Whom ssh reaches at a port of this host. process: the machine's."""

    def __init__(self, name, work, user, key):
        self.name, self.user, self.key, self.port = name, user, key, free_port()
        self.console, self.control = work / f"{name}.console", work / f"{name}.ssh"
        self.process = None

    def argv(self, *options):
        return ["ssh", "-q", "-i", self.key, "-p", str(self.port), "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o",
                "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", *options, f"{self.user}@127.0.0.1"]

    def ssh(self, command, timeout=240, options=None, data=b""):
        """data: what the command reads from its standard input."""
        options = options or ["-S", self.control]
        done = subprocess.run([*self.argv(*options), command], input=data, capture_output=True, timeout=timeout)
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return done

    def connect(self):
        """One connection for all questions: a handshake takes an emulated node seconds. Without it each makes its own."""
        subprocess.Popen(self.argv("-M", "-N", "-S", self.control), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)

    def ask(self, command, timeout=240, data=b""):
        try:
            done = self.ssh(command, timeout, data=data)
        except subprocess.TimeoutExpired:
            raise Failed(f"`{command}`: no answer within {timeout} s") from None
        if done.returncode != 0:
            raise Failed(f"`{command}` ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
        return done.stdout.strip()

    def put(self, path, data):
        self.ask(f"cat >{shlex.quote(str(path))}", data=data)

    def wait(self, seconds):
        """Until the key lets us in."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise Failed(f"the machine of {self.name} ended with {self.process.returncode}")
            try:
                if self.ssh("true", 30).returncode == 0:
                    return self.connect()
            except subprocess.TimeoutExpired:
                pass
            time.sleep(2)
        raise Failed(f"{self.name}: no ssh login within {seconds} s")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def tail(self):
        text = self.console.read_text(errors="replace")
        return [line for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).splitlines() if line.strip()][-30:]
