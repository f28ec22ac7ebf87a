"""A double of SQL Server on loopback that speaks enough TDS 7.4 for the real driver: prelogin, TLS, logins with a
password, batches with many result sets, attention. What it answers is up to its `Responder`."""

from __future__ import annotations

import select
import socket
import socketserver
import ssl
import struct
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.twins.sqlserver import wire
from tests.twins.sqlserver.types import rowset
from tests.twins.sqlserver.wire import ATTENTION, BATCH, LOGIN, PRELOGIN, Wire

NO_ENCRYPTION, ENCRYPT_LOGIN, ENCRYPT_ALL, ENCRYPT_REQUIRED = 2, 0, 1, 3


class TdsError(Exception):
    """An error message of the server."""

    def __init__(self, number: int, text: str, severity: int = 16, state: int = 1) -> None:
        super().__init__(text)
        self.number, self.text, self.severity, self.state = number, text, severity, state


class LineDropped(Exception):
    """The server goes away in the middle of an answer."""


class Attention(Exception):
    """The client wants the running statement ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One result set; `width` is its number of columns."""

    rows: Sequence[Sequence[object]] = ()
    width: int


@dataclass(slots=True, kw_only=True)
class Session:
    """One login; `doing` is the batch that it waits for, and `wait` makes a batch slow."""

    username: str
    password: str
    database: str
    is_encrypted: bool
    wait: Callable[[float], None]
    doing: str = ""


class Responder(Protocol):
    """Decides who gets in and what is answered."""

    version: tuple[int, int, int]

    def refusals(self, session: Session) -> list[TdsError]:
        """Why the login is rejected; empty when it is not."""
        ...

    def answer(self, session: Session, text: str) -> list[Result | TdsError]:
        """The result sets of a batch, up to an error. Raises LineDropped."""
        ...


class _Handler(socketserver.BaseRequestHandler):
    server: TdsServer

    def handle(self) -> None:
        self._wire = Wire(self.request)
        try:
            session = self._logged_in()
            if session is not None:
                with self.server.present(session):
                    self._serve(session)
        except (EOFError, OSError, LineDropped):  # ssl.SSLError is an OSError
            pass

    def _logged_in(self) -> Session | None:
        kind, body = self._wire.receive()
        if kind != PRELOGIN:
            return None
        encryption = self._agree(body)
        if encryption != NO_ENCRYPTION:
            self._wire.encrypt(self.server.tls)
        kind, body = self._wire.receive()
        if kind != LOGIN:
            return None
        session = _session(body, is_encrypted=self._wire.is_encrypted, wait=self._wait)
        if encryption == ENCRYPT_LOGIN:
            self._wire.decrypt()
        if refusals := self.server.responder.refusals(session):
            said = [wire.message(error.number, error.text, error.severity, error.state) for error in refusals]
            self._wire.send(b"".join(said) + wire.done(wire.ERROR))
            return None
        self._wire.send(self.server.routing or wire.welcome(session.database, self.server.responder.version))
        return session

    def _agree(self, body: bytes) -> int:
        """Answer the prelogin; returns what will be encrypted."""
        options, at = {}, 0
        while body[at] != 0xFF:
            token, offset, length = struct.unpack_from(">BHH", body, at)
            options[token], at = body[offset : offset + length], at + 5
        wanted = options.get(1, bytes([NO_ENCRYPTION]))[0]
        if self.server.tls is None:
            encryption = NO_ENCRYPTION
        elif wanted in (ENCRYPT_ALL, ENCRYPT_REQUIRED):
            encryption = ENCRYPT_ALL
        else:
            encryption = wanted
        items = [
            (0, struct.pack(">BBHH", *self.server.responder.version, 0)),
            (1, bytes([encryption])),
            (2, b"\0"),
            (4, b"\0"),
        ]
        head, data = b"", b""
        for token, value in items:
            head += struct.pack(">BHH", token, 5 * len(items) + 1 + len(data), len(value))
            data += value
        self._wire.send(head + b"\xff" + data)
        return encryption

    def _serve(self, session: Session) -> None:
        while True:
            kind, body = self._wire.receive()
            if kind == ATTENTION:
                self._wire.send(wire.done(wire.ATTENTION_DONE))
                continue
            if kind != BATCH:
                raise AssertionError(f"a message of kind {kind} was not expected")
            text = body[struct.unpack_from("<I", body)[0] :].decode("utf-16-le", "surrogatepass")
            session.doing = text
            self.server.received.append(text)
            try:
                reply = _reply(self.server.responder.answer(session, text))
            except Attention:
                reply = wire.done(wire.ATTENTION_DONE)
            session.doing = ""
            self._wire.send(reply)

    def _wait(self, seconds: float) -> None:
        """Be slow, until the client loses patience."""
        if select.select([self.request], [], [], seconds)[0]:
            kind, _ = self._wire.receive()
            assert kind == ATTENTION
            raise Attention


def _session(body: bytes, *, is_encrypted: bool, wait: Callable[[float], None]) -> Session:
    def text(position: int) -> bytes:
        offset, length = struct.unpack_from("<HH", body, position)
        return body[offset : offset + length * 2]

    password = bytes(((byte ^ 0xA5) << 4 & 0xF0) | ((byte ^ 0xA5) >> 4) for byte in text(44))
    return Session(
        username=text(40).decode("utf-16-le", "surrogatepass"),
        password=password.decode("utf-16-le", "surrogatepass"),
        database=text(68).decode("utf-16-le", "surrogatepass") or "master",
        is_encrypted=is_encrypted,
        wait=wait,
    )


def _reply(results: Sequence[Result | TdsError]) -> bytes:
    reply = []
    for position, result in enumerate(results, 1):
        more = wire.MORE if position < len(results) else 0
        if isinstance(result, TdsError):
            reply.append(wire.message(result.number, result.text, result.severity, result.state))
            reply.append(wire.done(wire.ERROR | more))
        elif result.width:
            reply.append(rowset(result.rows, result.width) + wire.done(wire.COUNT | more, len(result.rows)))
        else:
            reply.append(wire.done(more))
    return b"".join(reply) or wire.done()


@dataclass
class _Present:
    server: TdsServer
    session: Session

    def __enter__(self) -> None:
        self.server.sessions.append(self.session)

    def __exit__(self, *_exc: object) -> None:
        self.server.sessions.remove(self.session)


class TdsServer(socketserver.ThreadingTCPServer):
    """Listens on a free port of loopback while it is entered. `received` holds every batch that came."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, responder: Responder, *, tls: ssl.SSLContext | None = None, routing: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.responder, self.tls, self.routing = responder, tls, routing
        self.received: list[str] = []
        self.sessions: list[Session] = []
        self.crashes: list[str] = []
        self.host, self.port = self.server_address

    def present(self, session: Session) -> _Present:
        return _Present(self, session)

    def __enter__(self) -> TdsServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.shutdown()
        self.server_close()
        assert not self.crashes, self.crashes

    def handle_error(self, request: socket.socket, client_address: object) -> None:
        self.crashes.append(traceback.format_exc())
