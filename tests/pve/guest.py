# SPDX-License-Identifier: Apache-2.0
"""A guest: its configuration goes through the text of a file at every write, as on a real node. What that text cannot hold
(QEMU: white space at the end of the notes; LXC: whether there was a line break) does not come back.
"""
import hashlib
import re
import time
import urllib.parse

from . import schema
from .errors import ApiError

KINDS = {"qemu": "VM", "lxc": "CT"}  # how messages call them
FOLDER = {"qemu": "qemu-server", "lxc": "lxc"}
LOCK_FILE = {"qemu": "/var/lock/qemu-server/lock-{}.conf", "lxc": "/run/lock/lxc/pve-config-{}.lock"}
SAFE = "".join(chr(c) for c in range(0x20, 0x7f) if chr(c) not in "%:")


def encode_text(text):
    return urllib.parse.quote(text.encode(), safe=SAFE)


def lines_of(text):
    """Perl's split: empty lines at the end are not there."""
    return text.rstrip("\n").split("\n") if text.rstrip("\n") else []


def write_config(options):
    """The file's text."""
    text = "".join(f"#{encode_text(line)}\n" for line in lines_of(options.get("description") or ""))
    for name in sorted(options):
        if name != "description":
            text += f"{name}: {options[name]}\n"
    return text


def read_description(kind, text):
    lines = [urllib.parse.unquote_to_bytes(line[1:]).decode("utf-8", "replace") + "\n"
             for line in text.split("\n") if line.startswith("#")]
    if not lines:
        return None
    description = "".join(lines)
    # Perl's \s, not Python's: a no-break space stays in UTF-8 text that is ASCII to Perl, so only these six are cut
    return description.rstrip(" \t\n\r\f\v") if kind == "qemu" else description


class Guest:
    def __init__(self, vmid, kind, node, options=(), status="stopped"):
        self.vmid, self.kind, self.node, self.status = int(vmid), kind, node, status
        self.created = time.time()
        self.started = time.time() if status == "running" else None
        self.held = False  # the flock of its configuration is taken by a process that does not release it
        self.sharers = 0  # clones that are being made of it: they share the flock, and all others wait
        self.pending, self.pending_delete = {}, set()
        self.options = {}
        self.text = ""
        self.write(dict(options))

    def write(self, options):
        for name, value in options.items():
            if name != "description" and re.search("[\r\n]", str(value)):
                raise ApiError(f"unable to parse value of '{name}' - property contains a line feed")
        self.text = write_config(options)
        self.options = {name: value for name, value in
                        (re.fullmatch(r"([a-z][a-z_\-]*\d*):\s*(.+?)\s*", line).groups()
                         for line in self.text.split("\n") if re.fullmatch(r"[a-z][a-z_\-]*\d*:\s*.+?\s*", line))}
        description = read_description(self.kind, self.text)
        if description is not None:
            self.options["description"] = description

    def update(self, changes, delete=()):
        options = {name: value for name, value in self.options.items() if name not in delete}
        self.write({**options, **changes})

    def apply_pending(self):
        """What waited for the next start."""
        changes, delete = self.pending, self.pending_delete
        self.pending, self.pending_delete = {}, set()
        self.update(changes, delete)

    @property
    def digest(self):
        text = self.text
        if self.pending or self.pending_delete:
            pending = {**self.pending, **({"delete": ",".join(sorted(self.pending_delete))} if self.pending_delete else {})}
            text += ("\n[PENDING]\n" if self.kind == "qemu" else "\n[pve:pending]\n") + write_config(pending)
        return hashlib.sha1(text.encode()).hexdigest()

    @property
    def name(self):
        return self.options.get("name" if self.kind == "qemu" else "hostname")

    @property
    def shown_name(self):
        return self.name or (f"VM {self.vmid}" if self.kind == "qemu" else f"CT{self.vmid}")

    @property
    def template(self):
        return self.options.get("template") == "1"

    @property
    def running(self):
        return self.status == "running"

    @property
    def path(self):
        return f"nodes/{self.node}/{FOLDER[self.kind]}/{self.vmid}.conf"

    def check_lock(self):
        if "lock" in self.options:
            raise ApiError(f"{KINDS[self.kind]} is locked ({self.options['lock']})")

    def lock_timeout(self):
        return ApiError(f"can't lock file '{LOCK_FILE[self.kind].format(self.vmid)}' - got timeout")

    def shown_options(self, version, current=False):
        """As GET config answers: numbers where the option is a number, text elsewhere, pending changes over current ones."""
        known = schema.properties(version, f"/nodes/{{node}}/{self.kind}/{{vmid}}/config", "PUT")
        options = self.options if current else {name: value for name, value in {**self.options, **self.pending}.items()
                                                if name not in self.pending_delete}
        shown = {name: typed(schema.find(known, name), value) for name, value in options.items()}
        if "cipassword" in shown:
            shown["cipassword"] = "**********"
        return {**shown, "digest": self.digest}


def typed(option, value):
    """memory is text and cores a number, because that is how they are described. Other numbers keep being text."""
    if option and option.get("type") in ("boolean", "integer") and re.fullmatch(r"\d+", value):
        return int(value)
    return value
