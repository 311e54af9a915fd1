# SPDX-License-Identifier: Apache-2.0
"""One client connection, read and answered the way the real server's event loop does it: bytes in, requests out, and an idle
limit that counts between requests and in the middle of one.
"""
import re
import socket
import ssl
import struct
import time

from . import message
from .errors import ServerError
from .message import Answer, Request

METHODS = ("GET", "POST", "PUT", "DELETE")
TLS_HANDSHAKE = b"\x16"
DRAIN_SECONDS = 0.1
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close sends RST


class Gone(Exception):
    """The connection ends without another word; abrupt: as a broken network ends it, by a reset."""

    def __init__(self, abrupt=False):
        super().__init__()
        self.abrupt = abrupt


class Connection:
    """app: identify(request) raises ServerError or returns a login; handle(request, login) returns an Answer or raises ServerError;
    upload(request, login, connection) likewise, reading the body itself.
    """

    def __init__(self, app, sock):
        self.app, self.sock, self.buffer = app, sock, b""
        self.left = app.keep_alive
        self.tls = False
        self.abrupt = False
        self.version = (1, 1)

    def run(self):
        try:
            self.open()
            while self.exchange():
                pass
        except Gone as end:
            self.abrupt = self.abrupt or end.abrupt
        except OSError:
            pass
        finally:
            self.close()

    def open(self):
        self.sock.settimeout(self.app.idle)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.sock.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
            self.sock = self.app.context.wrap_socket(self.sock, server_side=True)
            self.tls = True

    # Reading. A silence of `idle` seconds anywhere ends the connection.

    def receive(self):
        """More bytes into the buffer; what came in one TLS record comes at once."""
        try:
            data = self.sock.recv(65536)
        except (TimeoutError, ssl.SSLError):
            raise Gone from None
        if not data:
            raise Gone
        self.buffer += data
        return len(data)

    def line(self):
        while b"\n" not in self.buffer:
            if len(self.buffer) > message.READ_BUFFER:
                raise Gone
            self.receive()
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.removesuffix(b"\r").decode("latin-1")

    def request_line(self):
        line = ""
        while line == "":  # empty lines before a request are skipped
            line = self.line()
        self.left -= 1
        found = re.search(r"(\S+) (\S+) HTTP/(\d+)\.(\d+)", line)
        if not found:
            raise ServerError(400, "bad request")
        method, target, major, minor = found.groups()
        if major != "1":
            raise ServerError(506, f"http protocol version {major}.{minor} not supported")
        if re.match("[^/]*@", target):
            raise ServerError(400, "invalid url")
        self.version = (int(major), int(minor))
        return Request(method, re.sub(r"^https?://[^/]*", "", target), self.version)

    def read_headers(self, request):
        """Too many or too long: the real server dies of it without an answer, and the connection runs into the idle limit."""
        lines = size = 0
        while True:
            line = self.line()
            lines, size = lines + 1, size + len(line)
            if lines >= message.MAX_HEADER_LINES or size >= message.MAX_HEADER_BYTES:
                self.starve()
            if line == "":
                return
            field = re.fullmatch(r"([^:\s]+)\s*:\s*(.*)", line)
            if field:
                request.headers.append((field[1], field[2]))
            elif line[0].isspace() and request.headers:
                request.headers[-1] = (request.headers[-1][0], request.headers[-1][1] + " " + line.strip())
            else:
                raise ServerError(506, "unable to parse request header")

    def starve(self):
        while True:
            self.receive()

    def check_head(self, request):
        if request.method not in METHODS:
            raise ServerError(501, f"method '{request.method}' not available", None)
        coding = request.header("Transfer-Encoding")
        if coding:
            raise ServerError(501, "chunked transfer encoding not supported" if coding.lower() == "chunked"
                              else f"Unknown transfer encoding '{coding}'")
        if not self.tls:
            host = request.header("Host")
            if not host:
                self.starve()
            status, reason = (301, "Moved Permanently") if request.method == "GET" else (308, "Permanent Redirect")
            raise ServerError(status, reason, headers=(("Location", f"https://{host}{request.target}"),))

    def body_length(self, request):
        length = request.header("Content-Length") or "0"
        return int(length) if length.isdigit() else 0

    def read_body(self, request):
        length = self.body_length(request)
        if not length:
            return
        if request.method not in ("POST", "PUT"):
            raise ServerError(501, f"Unexpected content for method '{request.method}'")
        if length > message.MAX_POST:
            raise ServerError(501, "for data too large")
        kind, _ = request.content_type()
        if kind not in (None, "application/x-www-form-urlencoded", "application/json"):
            raise ServerError(506, f"upload 'Content-Type '{request.header('Content-Type')}' not implemented")
        while len(self.buffer) < length:
            self.receive()
        request.body, self.buffer = self.buffer[:length], self.buffer[length:]

    def receive_into(self, parser):
        """The body of an upload, in the pieces in which it comes."""
        data, self.buffer = self.buffer, b""
        parser.feed(data)
        while not parser.done:
            self.receive()
            data, self.buffer = self.buffer, b""
            parser.feed(data)

    # One request and its answer.

    def exchange(self):
        """Whether the connection stays open."""
        request = Request("", "", (1, 1))
        try:
            request = self.request_line()
            self.read_headers(request)
            self.check_head(request)
            login = self.app.identify(request)
            if login.upload and self.body_length(request):
                answer = self.app.upload(request, login, self)
                answer.close = True
            else:
                self.read_body(request)
                answer = self.app.handle(request, login)
        except ServerError as error:
            answer = self.server_error(request, error)
        return self.send(request, answer)

    def server_error(self, request, error):
        body = b"" if error.body is None else error.body.encode()
        answer = Answer(error.status, error.reason, body, list(error.headers), self.app.auth_delay if error.delay else 0,
                        close=not self.tls)
        self.app.journal.note(request, None, {}, error.status)
        if error.delay:
            self.wait(answer.delay)
        return answer

    def wait(self, seconds):
        """Delays an answer. The real server continues to read meanwhile, and drops the connection when its buffer is full."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if len(self.buffer) > message.READ_BUFFER:
                raise Gone
            self.sock.settimeout(left)
            try:
                self.receive()
            except Gone:
                if time.monotonic() < until:
                    raise
        self.sock.settimeout(self.app.idle)

    def send(self, request, answer):
        keep = self.left > 0 and answer.status < 400 and not answer.close and self.client_keeps(request) and self.app.count_request()
        # a redirect to TLS claims to keep the connection, and then does not
        shown = keep or (not self.tls and answer.status < 400)
        self.sock.settimeout(self.app.idle)
        self.sock.sendall(message.encode(answer, request.header("Accept-Encoding") or "", shown, self.version))
        return keep

    def client_keeps(self, request):
        connection = request.header("Connection")
        return "close" not in connection.lower() if connection else request.version >= (1, 1)

    def close(self):
        """Says goodbye in TLS, reads a little of what is still coming so that the last answer is not lost, and closes."""
        try:
            if self.abrupt:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            else:
                self.goodbye()
                self.sock.shutdown(socket.SHUT_WR)
                self.drain()
        except (OSError, ValueError):
            pass
        self.sock.close()

    def goodbye(self):
        try:
            self.sock.setblocking(False)
            self.sock.unwrap() if self.tls else None
        except (ssl.SSLError, OSError, ValueError):
            pass

    def drain(self):
        until, read = time.monotonic() + DRAIN_SECONDS, 0
        while (left := until - time.monotonic()) > 0 and read < message.READ_BUFFER:
            self.sock.settimeout(left)
            data = self.sock.recv(65536)
            if not data:
                return
            read += len(data)
