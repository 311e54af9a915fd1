#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The programs of rootfs-overlays that a first boot runs, with stubs for what they call: cloud-init-stages and cloud-init-stage
(cloud-init's stages in one process; here its main() does what its arguments' file says), and wait-online. tests/image boots the real
ones. In a mount namespace with a /run of its own."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.build_env import TOP, Check, require_root

CLOUD_INIT = TOP / "rootfs-overlays/cloud-init-22/usr/lib/nodekiln"
WAIT_ONLINE = TOP / "rootfs-overlays/vm/usr/lib/nodekiln/wait-online"
RUN = Path("/run/nodekiln-cloud-init")
SECONDS = 20
STAGES = {"local": "init --local", "network": "init", "config": "modules --mode=config", "final": "modules --mode=final"}

# Says what it was called with, and what of ours users' scripts would meet; ends as the environment asks.
MAIN = """
import os, time
before = []
def main(argv):
    with open(os.environ["LOG"], "a") as log:
        leaks = [name for name in ("RUNTIME_DIRECTORY", "NOTIFY_SOCKET") if name in os.environ]
        print(*argv[1:], *before, *leaks, *([] if os.getcwd() == "/" else [os.getcwd()]), file=log)
    before.append("remembers")
    stage = {"init --local": "LOCAL", "init": "NETWORK"}.get(" ".join(argv[1:]), "MODULES")
    time.sleep(float(os.environ.get(f"{stage}_SECONDS", 0)))
    return int(os.environ.get(stage, 0))
"""


class Boot:
    """A directory with cloudinit, programs for PATH, and what they log."""

    def __init__(self, directory, **environment):
        self.directory, self.log = Path(directory), Path(directory) / "log"
        (self.directory / "cloudinit/cmd").mkdir(parents=True)
        (self.directory / "cloudinit/cmd/main.py").write_text(MAIN)
        self.program("cloud-init", f'echo plain "$@" >>{self.log}')
        self.environment = dict(os.environ, PYTHONPATH=str(self.directory), PATH=f"{self.directory}:{os.environ['PATH']}",
                                LOG=str(self.log), RUNTIME_DIRECTORY=str(RUN), PYTHONDONTWRITEBYTECODE="1", **environment)

    def program(self, name, script):
        file = self.directory / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def start(self):
        """As systemd does: the directory, and a socket for READY=1. Returns the process and what it said within the time, if anything."""
        RUN.mkdir()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.bind(str(self.directory / "notify"))
            to.settimeout(SECONDS)
            self.environment["NOTIFY_SOCKET"] = str(self.directory / "notify")
            self.process = subprocess.Popen([CLOUD_INIT / "cloud-init-stages"], env=self.environment, cwd="/", stdin=subprocess.DEVNULL)
            if self.environment.get("LOCAL"):
                return None
            return to.recv(100).decode()

    def begin(self, name):
        return subprocess.Popen([CLOUD_INIT / "cloud-init-stage", name, *STAGES[name].split()], env=self.environment, cwd="/")

    def stage(self, name):
        return self.begin(name).wait(SECONDS)

    def ended(self):
        return self.process.wait(SECONDS)

    def wait_for(self, lines):
        until = time.monotonic() + SECONDS
        while len(self.logged()) < lines and time.monotonic() < until:
            time.sleep(0.05)

    def logged(self):
        return self.log.read_text().splitlines() if self.log.exists() else []


def differs(what, got, want):
    return [] if got == want else [f"{what}: {got}, want {want}"]


def all_stages_in_one_process(directory):
    boot = Boot(directory, NETWORK="3")
    problems = differs("notified", boot.start(), "READY=1")
    problems += differs("codes", [*map(boot.stage, ("network", "config", "final")), boot.ended()], [3, 0, 0, 0])
    return problems + differs("log", boot.logged(), list(STAGES.values()))


def a_stage_again_is_cloud_inits_own(directory):
    """As `systemctl restart cloud-final` would have it, days later."""
    boot = Boot(directory)
    boot.start()
    codes = [boot.stage("network"), boot.stage("final"), boot.ended(), boot.stage("final")]
    return differs("codes", codes, [0, 0, 0, 0]) + differs("log", boot.logged()[-1:], [f"plain {STAGES['final']}"])


def a_stage_left_out_holds_nobody_up(directory):
    boot = Boot(directory)
    boot.start()
    return differs("codes", [boot.stage("final"), boot.ended()], [0, 0])


def a_failed_first_stage_is_told(directory):
    """The later ones run by themselves, as they would without us."""
    boot = Boot(directory, LOCAL="1")
    boot.start()
    codes = [boot.ended(), boot.stage("network")]
    return differs("codes", codes, [1, 0]) + differs("log", boot.logged(), [STAGES["local"], f"plain {STAGES['network']}"])


def a_killed_process_fails_its_stage(directory):
    boot = Boot(directory, NETWORK_SECONDS="2")
    boot.start()
    waiting = boot.begin("network")
    boot.wait_for(2)
    boot.process.send_signal(signal.SIGKILL)
    boot.ended()
    return differs("code", waiting.wait(SECONDS), 1)


def a_busy_process_holds_nobody_up(directory):
    """`systemctl restart cloud-config` in a user's script."""
    boot = Boot(directory, NETWORK_SECONDS="2")
    boot.start()
    waiting = boot.begin("network")
    boot.wait_for(2)
    problems = differs("codes", [boot.stage("config"), waiting.wait(SECONDS), boot.stage("final"), boot.ended()], [0, 0, 0, 0])
    want = [STAGES["local"], STAGES["network"], f"plain {STAGES['config']}", STAGES["final"]]
    return problems + differs("log", boot.logged(), want)


def nobody_waits_any_more(directory):
    """`systemctl stop cloud-init`."""
    boot = Boot(directory, NETWORK_SECONDS="1")
    boot.start()
    waiting = boot.begin("network")
    boot.wait_for(2)
    waiting.kill()
    waiting.wait()
    time.sleep(1.5)
    return differs("codes", [boot.stage("final"), boot.ended()], [0, 0])


def a_shutdown_ends_the_stage(directory):
    boot = Boot(directory, NETWORK_SECONDS="600")
    boot.start()
    waiting = boot.begin("network")
    boot.wait_for(2)
    boot.process.terminate()
    return differs("codes", [boot.ended(), waiting.wait(SECONDS)], [-signal.SIGTERM, 1])


def online(directory, ip, networkd):
    """Exit code of wait-online, and how long it took."""
    boot = Boot(directory)
    boot.program("ip", f'[ "$*" = "-4 route show default" ] || exit 9; {ip}')
    boot.program("systemd-networkd-wait-online", networkd)
    started = time.monotonic()
    code = subprocess.run([WAIT_ONLINE], env=boot.environment, timeout=SECONDS).returncode
    return code, time.monotonic() - started


def an_ipv4_route_is_online(directory):
    code, seconds = online(directory, "echo default via 192.0.2.1", "exec sleep 15")
    return differs("code", code, 0) + ([f"{seconds:.0f} s"] if seconds > 5 else [])


def networkd_says_so_is_online(directory):
    return differs("code", online(directory, "true", "exec sleep 1")[0], 0)


def networkd_gives_up(directory):
    return differs("code", online(directory, "true", "sleep 1; exit 3")[0], 3)


TESTS = (all_stages_in_one_process, a_stage_again_is_cloud_inits_own, a_stage_left_out_holds_nobody_up,
         a_failed_first_stage_is_told, a_killed_process_fails_its_stage, a_busy_process_holds_nobody_up, nobody_waits_any_more,
         a_shutdown_ends_the_stage, an_ipv4_route_is_online, networkd_says_so_is_online, networkd_gives_up)


def try_one(test):
    """In a /run of its own."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    try:
        with tempfile.TemporaryDirectory() as directory:
            return test(directory)
    except (subprocess.TimeoutExpired, TimeoutError) as why:
        return [str(why)]
    finally:
        subprocess.run(["umount", "-l", "/run"], check=True)


def main():
    require_root()
    if "--inside" not in sys.argv:
        inside = ["unshare", "--mount", "--propagation", "private", sys.executable, __file__, "--inside"]
        sys.exit(subprocess.run(inside).returncode)
    check = Check()
    for test in TESTS:
        check(test.__name__, try_one(test))
    sys.exit(check.failed > 0)


if __name__ == "__main__":
    main()
