# SPDX-License-Identifier: Apache-2.0
"""leftovers.py RAW: where the secrets of the JSON object on stdin (name: text) are on the disk of a machine that is off, as JSON:
{"files": {path: [name, ...]}, "elsewhere": {name: count}}. Not a test itself: checks.py uses it.

A file is searched for the text and for its base64 at any alignment; the journal, whose long fields are compressed, also as
journalctl shows it. elsewhere counts what is on the disk in no file: in free blocks, which any later write may take.

It mounts the root partition, so it runs itself in a mount namespace of its own.
"""
import base64
import itertools
import json
import mmap
import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

SECTOR = 512
LINUX_ROOT = bytes.fromhex("e3bc684fcde8b14d96e7fbcaf984b709")  # as GPT stores 4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709
CHUNK = 64 << 20


def patterns_of(secret):
    """The text, and what of its base64 does not depend on its neighbours, for each of the three alignments."""
    yield secret.encode()
    texts = [secret.encode()]
    if re.fullmatch("[0-9a-f]{64}", secret):  # a key, which files in PEM have as bytes
        texts.append(bytes.fromhex(secret))
        yield texts[1]
    for text, before in itertools.product(texts, range(3)):
        encoded = base64.b64encode(bytes(before) + text)
        yield encoded[-(-before * 8 // 6):(before + len(text)) * 8 // 6]


class Search:
    def __init__(self, secrets):
        self.patterns = {name: list(patterns_of(secret)) for name, secret in secrets.items()}
        self.longest = max(len(n) for all_of_one in self.patterns.values() for n in all_of_one)

    def names(self, data):
        return [name for name, all_of_one in self.patterns.items() if any(data.find(n) >= 0 for n in all_of_one)]

    def count(self, data):
        return {name: sum(data.count(n) for n in all_of_one) for name, all_of_one in self.patterns.items()}


def root_start(raw):
    """Where the root partition begins, from the GPT."""
    with open(raw, "rb") as f:
        f.seek(SECTOR)
        header = f.read(SECTOR)
        entries, count, size = (int.from_bytes(header[a:b], "little") for a, b in ((72, 80), (80, 84), (84, 88)))
        f.seek(entries * SECTOR)
        for entry in (f.read(size) for _ in range(count)):
            if entry[:16] == LINUX_ROOT:
                return int.from_bytes(entry[32:40], "little") * SECTOR
    raise SystemExit(f"{raw}: no root partition")


def regular_files(top):
    for directory, _, names in os.walk(top):
        for name in names:
            path = os.path.join(directory, name)
            about = os.lstat(path)
            if stat.S_ISREG(about.st_mode) and about.st_size:
                yield path


def search_files(search, top):
    found, counts = {}, dict.fromkeys(search.patterns, 0)
    for path in regular_files(top):
        with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as data:
            names = search.names(data)
            if names:
                found["/" + os.path.relpath(path, top)] = names
                counts = {name: counts[name] + n for name, n in search.count(data[:]).items()}
    return found, counts


def search_journal(search, top):
    """Everything it says, fields and all, wherever journald put it; by the machine's own journalctl, which this host may lack."""
    text = subprocess.run(["chroot", top, "journalctl", "--directory", "/var/log/journal", "--output", "export", "--all", "--no-pager"],
                          capture_output=True, check=True).stdout
    if not text:
        raise SystemExit("the machine's journal is empty: the search would prove nothing")
    names = search.names(text)
    return {"the journal": names} if names else {}


def search_raw(search, raw):
    """Chunks overlap, so that a pattern that begins in one and ends in the next is found."""
    counts = dict.fromkeys(search.patterns, 0)
    with open(raw, "rb") as f:
        before = b""
        for chunk in iter(lambda: f.read(CHUNK), b""):
            data = before + chunk
            before = data[-(search.longest - 1):]
            seen = search.count(before)  # counted again with the next chunk
            counts = {name: counts[name] + n - seen[name] for name, n in search.count(data).items()}
    return {name: n + seen[name] for name, n in counts.items()}


def main():
    raw, search = sys.argv[1], Search(json.load(sys.stdin))
    with tempfile.TemporaryDirectory() as top:
        subprocess.run(["mount", "-o", f"ro,loop,offset={root_start(raw)}", raw, top], check=True)
        try:
            files, in_files = search_files(search, top)
            files |= search_journal(search, Path(top))
        finally:
            subprocess.run(["umount", top], check=True)
    everywhere = search_raw(search, raw)
    json.dump({"files": files, "elsewhere": {name: n - in_files[name] for name, n in everywhere.items()}}, sys.stdout)


def leftovers(disk, secrets, work):
    """disk: a qcow2 that no machine uses."""
    with tempfile.NamedTemporaryFile(dir=work) as raw:
        subprocess.run(["qemu-img", "convert", "-O", "raw", disk, raw.name], check=True)
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable, __file__, raw.name],
                              input=json.dumps(secrets), capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"the search of {disk} ended with {done.returncode}: {done.stderr[-400:]}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
