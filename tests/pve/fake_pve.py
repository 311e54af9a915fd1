#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A fake Proxmox VE API as a program. Prints one line of JSON when it is ready: url, port, ca, fingerprint, control.

	fake_pve.py --version 9 --state FILE.json --directory DIR --port-file FILE

A Unix socket (--control; DIR/control by default) takes one JSON list a line, [NAME, [ARGUMENTS], {NAMED}], with the methods of FakePve
("edit", "invalidate", "migrate", "down", "up", "snapshot", "journal.find", "faults.answer", ...), and answers with one line of JSON.
"""
import argparse
import dataclasses
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from pve.server import FakePve


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", type=int, choices=(8, 9), default=9)
    parser.add_argument("--release", help="8.2.4: as that release, where it differs")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDRESS:PORT")
    parser.add_argument("--name", action="append", default=[], help="one more name or address for the certificate")
    parser.add_argument("--state", help="JSON: users, roles, acl, pools, guests, storages, ... (README.md)")
    parser.add_argument("--directory", help="for certificates and the control socket; kept")
    parser.add_argument("--port-file", help="gets the port, once it listens")
    parser.add_argument("--control", help="Unix socket")
    parser.add_argument("--auth-delay", type=float, default=3.0, help="seconds before a 401 (3)")
    parser.add_argument("--idle", type=float, default=5.0, help="seconds until a silent connection is closed (5)")
    return parser.parse_args()


def plain(value):
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {key: item for key, item in dataclasses.asdict(value).items() if not callable(item)}
    return value if isinstance(value, (dict, str, int, float, type(None))) else str(value)


def do(pve, line):
    parts = json.loads(line)
    name, positional, named = parts + [[], {}][len(parts) - 1:]
    target = pve
    for part in name.split("."):
        target = getattr(target, part)
    return plain(target(*positional, **named))


def control(pve, listener):
    while True:
        client, _ = listener.accept()
        with client, client.makefile("r") as lines, client.makefile("w") as answers:
            for line in lines:
                try:
                    answer = {"result": do(pve, line)}
                except Exception as error:  # whatever a caller got wrong is the caller's to read
                    answer = {"error": f"{type(error).__name__}: {error}"}
                answers.write(json.dumps(answer) + "\n")
                answers.flush()


def main():
    options = arguments()
    address, _, port = options.listen.rpartition(":")
    state = json.loads(Path(options.state).read_text()) if options.state else {}
    pve = FakePve(options.version, state, options.directory, (address, int(port)), names=options.name, auth_delay=options.auth_delay,
                  idle=options.idle, release=options.release)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with pve:
        path = options.control or str(pve.directory / "control")
        Path(path).unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        threading.Thread(target=control, args=(pve, listener), daemon=True).start()
        ready = {"url": pve.url, "port": pve.port, "ca": str(pve.ca), "fingerprint": pve.fingerprint, "control": path}
        if options.port_file:
            temporary = Path(options.port_file + ".new")
            temporary.write_text(f"{pve.port}\n")
            os.replace(temporary, options.port_file)
        print(json.dumps(ready), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
