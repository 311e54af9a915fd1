# SPDX-License-Identifier: Apache-2.0
"""The real server's reader of file uploads, traps included: it works on what has arrived so far with a few regular expressions, so where
a read ends can decide what ends up in the file.
"""
import re

from .errors import ServerError

NEWLINE = rb"\r?\n"
SOURCE = " at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line {}.\n"
LINES = {8: {"failed": 1317, "name": 1281}, 9: {"failed": 1370, "name": 1325}}
FIELDS = ("content", "checksum-algorithm", "checksum")  # are looked for in this order, each time something arrives


class Multipart:
    """feed() what arrived; done when the closing boundary was seen. size: Content-Length."""

    def __init__(self, boundary, size, file, version, values):
        self.boundary, self.size, self.file, self.version = boundary.encode("latin-1"), size, file, version
        self.delimiter = b"--" + re.escape(self.boundary) + NEWLINE
        self.values = values
        self.buffer, self.read, self.phase = b"", 0, "start"
        self.keep = len(boundary) + 8  # what could be the beginning of the closing boundary

    @property
    def done(self):
        return self.phase == "done"

    def fail(self, text, line):
        return ServerError(500, text + SOURCE.format(LINES[self.version][line]))

    def cut(self, pattern, replacement=b""):
        """One substitution at the front of the buffer; its match, or None."""
        match = re.match(pattern, self.buffer, re.S)
        if match:
            self.buffer = match.expand(replacement) + self.buffer[match.end():]
        return match

    def feed(self, data):
        self.buffer += data
        length = len(self.buffer)
        if self.phase == "start":
            found = re.search(self.delimiter, self.buffer)
            if found:
                self.read += found.start()
                self.buffer = self.buffer[found.start():]
                self.phase = "fields"
        if self.phase == "fields":
            self.take_fields()
        if self.phase == "data":
            self.take_data()
        self.read += length - len(self.buffer)
        if self.read + len(self.buffer) >= self.size and not self.done:
            raise self.fail("upload failed", "failed")

    def check_disposition(self, value):
        if value != b"form-data":
            text = f"wrong Content-Disposition '{value.decode('latin-1')}' in multipart, expected 'form-data'\n"
            raise ServerError(500, text, text)

    def drop_part_head(self):
        """Up to the blank line, if that has arrived."""
        self.cut(rb".*?(?:" + NEWLINE + rb"){2}")

    def take_fields(self):
        for name in FIELDS:
            # spans other parts when this one is not the next: then what comes before its name is not "form-data"
            match = self.cut(self.delimiter + rb".*?Content-Disposition: (.*?); name=\"" + name.encode() + rb"\"(.*?" + self.delimiter
                             + rb")", rb"\2")
            if match:
                self.check_disposition(match[1])
                self.drop_part_head()
                value = self.cut(rb"(.*?)(" + self.delimiter + rb")", rb"\2")
                self.values[name] = value[1].decode("latin-1").strip() if value else ""
        match = self.cut(self.delimiter + rb"Content-Disposition: (.*?); name=\"(.*?)\"; filename=\"([^\"]+)\"")
        if match:
            self.check_disposition(match[1])
            if match[2] != b"filename":
                raise self.fail(f"wrong field name '{match[2].decode('latin-1')}' for file upload, expected 'filename'", "name")
            self.phase = "data"
            self.values["filename"] = match[3].decode("latin-1").strip()
            self.drop_part_head()

    def take_data(self):
        end = self.buffer.find(b"--" + self.boundary + b"--")
        if end >= 0:
            data = re.sub(NEWLINE + rb"\Z", b"", self.buffer[:end]) if end else b""
            self.buffer, self.phase = b"", "done"
        else:
            data = self.buffer[:max(0, len(self.buffer) - self.keep)]
            self.buffer = self.buffer[len(data):]
        self.file.write(data)
