"""The packets of Oracle Net, with and without TLS around them."""

from __future__ import annotations

import select
import socket
import ssl
import struct

from tests.twins.oracle.errors import Cancelled

CONNECT, ACCEPT, REFUSE, REDIRECT, DATA, MARKER = 1, 2, 4, 5, 6, 12  # types of packets
BREAK, RESET = b"\x01\0\x01", b"\x01\0\x02"  # markers
NET_VERSION = 317  # 19c: no out of band breaks, no login in one round trip
SDU = 8192
TLS_HANDSHAKE = b"\x16"


class Packets:
    """The packets that go over one client's line. Every method raises EOFError or OSError when it ends."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._has_long_lengths = False  # since the listener let the client in

    def secure(self, tls: ssl.SSLContext | None) -> bool:
        """Negotiate TLS if the client begins with it; answers whether the two can talk."""
        if self._line.recv(1, socket.MSG_PEEK) != TLS_HANDSHAKE:
            return True
        if tls is None:
            self._line.recv(SDU)  # or the client would be told of a reset instead of an end
            return False
        self._line = tls.wrap_socket(self._line, server_side=True)
        return True

    def receive(self) -> tuple[int, bytes]:
        """The next packet: its type and what it holds."""
        head = self._exactly(8)
        length = int.from_bytes(head[:4] if self._has_long_lengths else head[:2], "big")
        return head[4], self._exactly(length - 8)

    def send(self, kind: int, body: bytes) -> None:
        length = len(body) + 8
        size = struct.pack(">I", length) if self._has_long_lengths else struct.pack(">HH", length, 0)
        self._line.sendall(size + bytes([kind, 0, 0, 0]) + body)

    def accept(self) -> None:
        """Let the client in; from now on lengths have four bytes."""
        accepted = struct.pack(">HH", NET_VERSION, 1) + bytes(10) + b"\x04" + bytes(9) + struct.pack(">I", SDU)
        self.send(ACCEPT, accepted + bytes(9))
        self._has_long_lengths = True

    def reply(self, answer: bytes) -> None:
        """An answer in as many packets as it takes."""
        step = SDU - 20
        for start in range(0, len(answer), step):
            self.send(DATA, b"\0\0" + answer[start : start + step])

    def wait(self, seconds: float) -> None:
        """Do nothing until the client breaks the call off. Raises Cancelled then."""
        if select.select([self._line], [], [], seconds)[0]:
            kind, _ = self.receive()
            if kind != MARKER:
                raise EOFError
            raise Cancelled

    def break_off(self) -> None:
        """Agree with the client that a call has ended."""
        self.send(MARKER, BREAK)
        while self.receive()[0] != MARKER:
            pass
        self.send(MARKER, RESET)

    def close(self) -> None:
        """End the line under the client."""
        self._line.close()

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            more = self._line.recv(count - len(found))
            if not more:
                raise EOFError
            found += more
        return found
