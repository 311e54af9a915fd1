# SPDX-License-Identifier: Apache-2.0
"""switch.py SOCKET...: an Ethernet switch with a port at each unix socket, for QEMU's `-netdev stream`. Not a test itself: lab.py
uses it.

QEMU's own hub will not do: it shows every frame to the user network too, and that answers connections between machines itself
(with a reset), since it takes whatever it sees as meant for it.
"""
import selectors
import socket
import sys

PREFIX = 4                 # each frame is preceded by its length, big-endian
QUEUE_MAX = 4 << 20        # a port that does not read loses frames, as with any switch
READ_SIZE = 1 << 18


class Port:
    def __init__(self, path):
        self.listener, self.connection = socket.socket(socket.AF_UNIX), None
        self.listener.bind(path)
        self.listener.listen()
        self.read, self.queue = bytearray(), bytearray()

    def accept(self):
        """A machine that is started again takes the place of the one before."""
        connection, _ = self.listener.accept()
        connection.setblocking(False)
        old, self.connection = self.connection, connection
        self.read.clear()
        self.queue.clear()
        return old

    def frames(self):
        """What has come in whole; None when the other side is gone."""
        try:
            data = self.connection.recv(READ_SIZE)
        except ConnectionError:
            data = b""
        if not data:
            return None
        self.read += data
        found, at = [], 0
        while len(self.read) - at >= PREFIX:
            end = at + PREFIX + int.from_bytes(self.read[at:at + PREFIX], "big")
            if end > len(self.read):
                break
            found.append(bytes(self.read[at:end]))
            at = end
        del self.read[:at]
        return found

    def send(self, frame):
        if self.connection and len(self.queue) + len(frame) <= QUEUE_MAX:
            self.queue += frame

    def flush(self):
        try:
            del self.queue[:self.connection.send(self.queue)]
        except BlockingIOError:
            pass
        except ConnectionError:
            self.queue.clear()


class Switch:
    def __init__(self, paths):
        self.ports, self.known, self.selector = [Port(p) for p in paths], {}, selectors.DefaultSelector()
        for port in self.ports:
            self.selector.register(port.listener, selectors.EVENT_READ, (port, self.connect))

    def connect(self, port, _):
        old = port.accept()
        if old:
            self.selector.unregister(old)
            old.close()
        self.selector.register(port.connection, selectors.EVENT_READ, (port, self.exchange))

    def hang_up(self, port):
        self.selector.unregister(port.connection)
        port.connection.close()
        port.connection = None

    def exchange(self, port, events):
        if events & selectors.EVENT_READ:
            frames = port.frames()
            if frames is None:
                return self.hang_up(port)
            for frame in frames:
                self.forward(port, frame)

    def forward(self, port, frame):
        to, sender = frame[PREFIX:PREFIX + 6], frame[PREFIX + 6:PREFIX + 12]
        self.known[sender] = port
        one = self.known.get(to)  # never a group address: no station sends from one
        for other in [one] if one else self.ports:
            if other is not port:
                other.send(frame)

    def run(self):
        while True:
            for port in (p for p in self.ports if p.connection):
                if port.queue:
                    port.flush()
                self.selector.modify(port.connection, selectors.EVENT_READ | (selectors.EVENT_WRITE if port.queue else 0),
                                     (port, self.exchange))
            for key, events in self.selector.select():
                port, act = key.data
                if key.fileobj in (port.listener, port.connection):
                    act(port, events)


if __name__ == "__main__":
    Switch(sys.argv[1:]).run()
