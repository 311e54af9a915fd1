# SPDX-License-Identifier: Apache-2.0
"""A client that sends exactly the bytes it is given, for tests of servers."""
import json
import socket
import ssl
import time
import urllib.parse
from dataclasses import dataclass

TIMEOUT = 15


@dataclass
class Reply:
    status: int
    reason: str
    headers: list
    body: bytes
    seconds: float = 0.0

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        return self.json["data"]


class Closed(Exception):
    """The server ended the connection; seconds after something was sent."""

    def __init__(self, seconds):
        super().__init__(f"closed after {seconds:.1f} s")
        self.seconds = seconds


class Wire:
    """One connection. tls=False: plain HTTP."""

    def __init__(self, pve, tls=True):
        self.sock = socket.create_connection(("127.0.0.1", pve.port), TIMEOUT)
        if tls:
            self.sock = ssl.create_default_context(cafile=pve.ca).wrap_socket(self.sock, server_hostname="127.0.0.1")
        self.buffer = b""
        self.sent = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, *pieces, pause=0.05):
        """Each piece in a TLS record of its own."""
        for i, piece in enumerate(pieces):
            time.sleep(pause if i else 0)
            self.sent = time.monotonic()
            self.sock.sendall(piece)

    def more(self):
        try:
            data = self.sock.recv(65536)
        except (ssl.SSLError, ConnectionError):
            data = b""
        if not data:
            raise Closed(time.monotonic() - self.sent)
        self.buffer += data

    def reply(self):
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        _, status, reason = first.split(" ", 2)
        reply = Reply(int(status), reason, [tuple(line.split(": ", 1)) for line in lines], b"")
        length = int((reply.all("Content-Length") or ["0"])[0])
        while len(self.buffer) < length:
            self.more()
        reply.body, self.buffer = self.buffer[:length], self.buffer[length:]
        reply.seconds = time.monotonic() - self.sent
        return reply

    def closed(self):
        """Waits until the server closes; seconds since something was sent."""
        try:
            while True:
                self.more()
        except Closed as end:
            return end.seconds


def encode(values):
    return urllib.parse.urlencode(values, quote_via=urllib.parse.quote, safe="")


def request(method, path, token=None, values=None, body=None, headers=()):
    """The bytes of a request; values go into the query of GET and DELETE, else into a form."""
    lines = [f"Authorization: PVEAPIToken={token}"] if token else []
    if values and method in ("GET", "DELETE"):
        path += "?" + encode(values)
    elif values:
        body = encode(values).encode()
        lines.append("Content-Type: application/x-www-form-urlencoded")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "".join(f"{line}\r\n" for line in ["Host: pve.test", *lines, *headers])
    return f"{method} /api2/json{path} HTTP/1.1\r\n{head}\r\n".encode() + (body or b"")


class Client:
    """Calls with one token, a connection each."""

    def __init__(self, pve, token):
        self.pve, self.token = pve, token

    def __call__(self, method, path, values=None, **more):
        with Wire(self.pve) as wire:
            wire.send(request(method, path, self.token, values, **more))
            return wire.reply()

    def get(self, path, /, **values):
        return self("GET", path, values).data
