"""TDS as bytes: packets in both directions, and the tokens that a server answers with ([MS-TDS] 2.2)."""

from __future__ import annotations

import socket
import ssl
import struct

from tests.twins.sqlserver.types import COLLATION

BATCH, ATTENTION, LOGIN, PRELOGIN, REPLY = 1, 6, 16, 18, 4
PACKET = 4096
MORE, ERROR, COUNT, ATTENTION_DONE = 1, 2, 0x10, 0x20


class Wire:
    """Reads and writes messages on a socket, plain or, after `encrypt`, through TLS."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._read = b""

    @property
    def is_encrypted(self) -> bool:
        return self._tls is not None

    def receive(self) -> tuple[int, bytes]:
        """The kind and the body of the next message. Raises EOFError when the client hung up."""
        body = b""
        while True:
            kind, status, length = struct.unpack(">BBH", self._take(8)[:4])
            body += self._take(length - 8)
            if status & 1:
                return kind, body

    def send(self, body: bytes, kind: int = REPLY) -> None:
        chunks = [body[at : at + PACKET - 8] for at in range(0, len(body), PACKET - 8)] or [b""]
        packets = [
            struct.pack(">BBHHBB", kind, int(number == len(chunks)), len(chunk) + 8, 53, number & 255, 0) + chunk
            for number, chunk in enumerate(chunks, 1)
        ]
        data = b"".join(packets)
        if self._tls is not None:
            self._tls.write(data)
            data = self._outgoing.read()
        self._line.sendall(data)

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Shake hands, as TDS does it: inside of packets of the prelogin."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self.send(self._outgoing.read(), PRELOGIN)
                self._incoming.write(self.receive()[1])
            else:
                if data := self._outgoing.read():
                    self.send(data, PRELOGIN)
                self._tls = tls
                return

    def decrypt(self) -> None:
        """Go on without TLS, as after a login that alone was encrypted."""
        self._tls = None

    def _take(self, number: int) -> bytes:
        while len(self._read) < number:
            self._read += self._more()
        taken, self._read = self._read[:number], self._read[number:]
        return taken

    def _more(self) -> bytes:
        while self._tls is not None:
            try:
                return self._tls.read(65536)
            except ssl.SSLWantReadError:
                self._incoming.write(self._received())
            except ssl.SSLZeroReturnError:
                raise EOFError from None
        return self._received()

    def _received(self) -> bytes:
        data = self._line.recv(65536)
        if not data:
            raise EOFError
        return data


def short_text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def changed(kind: int, new: bytes, old: bytes = b"\0") -> bytes:
    """ENVCHANGE."""
    body = bytes([kind]) + new + old
    return b"\xe3" + struct.pack("<H", len(body)) + body


def message(number: int, text: str, severity: int = 16, state: int = 1) -> bytes:
    """ERROR, or INFO below severity 11."""
    said = struct.pack("<H", len(text)) + text.encode("utf-16-le")
    body = struct.pack("<iBB", number, state, severity) + said + short_text("DOUBLE") + b"\0" + struct.pack("<I", 1)
    return bytes([0xAA if severity > 10 else 0xAB]) + struct.pack("<H", len(body)) + body


def done(status: int = 0, count: int = 0) -> bytes:
    return struct.pack("<BHHQ", 0xFD, status, 0xC1 if status & COUNT else 0, count)


def welcome(database: str, version: tuple[int, int, int]) -> bytes:
    """What follows a login that was accepted."""
    acknowledged = b"\x01" + struct.pack(">I", 0x74000004) + short_text("Microsoft SQL Server")
    acknowledged += struct.pack(">BBH", *version)
    return (
        changed(1, short_text(database), short_text("master"))
        + message(5701, f"Changed database context to '{database}'.", severity=0, state=2)
        + changed(7, bytes([len(COLLATION)]) + COLLATION)
        + b"\xad"
        + struct.pack("<H", len(acknowledged))
        + acknowledged
        + changed(4, short_text(str(PACKET)), short_text(str(PACKET)))
        + done()
    )
