# SPDX-License-Identifier: Apache-2.0
"""Requests and answers as bytes. Pure."""
import email.utils
import gzip
import json
import random
import re
import zlib
from dataclasses import dataclass, field

MAX_HEADER_LINES = 64
MAX_HEADER_BYTES = 8 * 1024
MAX_POST = 512 * 1024
READ_BUFFER = MAX_POST + MAX_HEADER_BYTES
COMPRESS_FROM = 1024


@dataclass
class Request:
    method: str
    target: str
    version: tuple
    headers: list = field(default_factory=list)
    body: bytes = b""

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def path(self):
        return self.target.split("?", 1)[0]

    @property
    def query(self):
        return self.target.split("?", 1)[1] if "?" in self.target else ""

    def content_type(self):
        """(type, boundary): the boundary unchanged, quotes and all."""
        value = self.header("Content-Type")
        if not value:
            return None, None
        kind, *parameters = re.split(r"\s*[;,]\s*", value)
        boundary = next((m[1] for m in (re.fullmatch(r"\s*boundary\s*=\s*(\S+?)\s*", p) for p in parameters) if m), None)
        return kind, boundary


@dataclass
class Answer:
    status: int
    reason: str
    body: bytes = b""
    headers: list = field(default_factory=list)
    delay: float = 0.0
    proxied: bool = False  # it came from pvedaemon: its own "Connection: close" is still in it
    close: bool = False


def first_line(reason):
    return re.match(r"[^\n]*", reason)[0]


REASONS = {200: "OK", 301: "Moved Permanently", 308: "Permanent Redirect", 400: "Bad Request"}


def json_answer(status, message, data, errors=None, total=None, early=False, rng=random):
    """early: 8.0 to 8.3 had no `message` in the body. The order of keys is Perl's: none."""
    content = {"data": data}
    if errors:
        content["errors"] = errors
    if status >= 400 and not early:
        content["message"] = message
    if total:
        content["total"] = total
    keys = list(content)
    rng.shuffle(keys)
    body = json.dumps({key: content[key] for key in keys}, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, message or REASONS.get(status, ""), body, [("Content-Type", "application/json;charset=UTF-8")])


def compressed(body, accept):
    """(body, encoding)"""
    if len(body) > COMPRESS_FROM and "gzip" in accept:
        return gzip.compress(body), "gzip"
    if len(body) > COMPRESS_FROM and "deflate" in accept:
        return zlib.compress(body), "deflate"
    return body, None


def encode(answer, accept_encoding, keep_alive, version=(1, 1)):
    """The bytes of an answer, in the order HTTP::Headers gives. keep_alive: what the client and the limits allow."""
    status, reason, body = answer.status, first_line(answer.reason), answer.body
    if "\r" in reason:  # a message that would break the head says nothing at all
        status, reason, body = 400, "Bad Request", b""
    if not body or body == b"0":
        body = b""
    body, encoding = compressed(body, accept_encoding)
    now = email.utils.formatdate(usegmt=True)
    connection = ["close"] if not keep_alive else ["close", "Keep-Alive"] if answer.proxied else ["Keep-Alive"]
    lines = ["Cache-Control: max-age=0", *(f"Connection: {value}" for value in connection), f"Date: {now}", "Pragma: no-cache",
             "Server: pve-api-daemon/3.0"]
    lines += [f"Content-Encoding: {encoding}"] if encoding else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    lines += [f"{name}: {value}" for name, value in answer.headers] + [f"Expires: {now}"]
    head = f"HTTP/{version[0]}.{version[1]} {status} {reason}\r\n" + "".join(line + "\r\n" for line in lines) + "\r\n"
    return head.encode("utf-8", "replace") + body
