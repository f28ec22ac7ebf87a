"""One client's session: let in by the listener, logged in, and served call by call."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from tests.twins.oracle import login, wire
from tests.twins.oracle.cursors import Cursors
from tests.twins.oracle.errors import Cancelled, LineDropped, OracleError
from tests.twins.oracle.packets import CONNECT, DATA, MARKER, REDIRECT, REFUSE, RESET, Packets
from tests.twins.oracle.wire import Incomplete, Reader

if TYPE_CHECKING:
    from tests.twins.oracle.server import OracleServer

__all__ = ["LineDropped", "OracleError", "Session"]

PROTOCOL, DATA_TYPES, CALL, PIGGYBACK = 1, 2, 3, 17  # types of messages
FIELD_VERSION = 12  # 19.1
END_OF_FILE = 0x40
CLOSE_CURSORS = 105
UNKNOWN_SERVICE, CANCELLED = 12514, 1013
SERVICE = re.compile(r"\(SERVICE_NAME=([^)]*)\)", re.IGNORECASE)


class Session:
    """Serves one client until it leaves."""

    def __init__(self, server: OracleServer, line: socket.socket) -> None:
        self.server = server
        self.username = ""
        self.service = ""
        self.program = ""
        self.running = ""  # the statement at this moment
        self.is_read_only = False
        self.is_over = threading.Event()
        self._packets = Packets(line)
        self._cursors = Cursors(self)
        self._calls: dict[int, Callable[[Reader], bytes]] = {
            118: self._challenge,
            115: self._log_in,
            94: self._cursors.execute,
            5: self._cursors.fetch,
            4: partial(self._cursors.execute_again, fetches=False),
            78: partial(self._cursors.execute_again, fetches=True),
            **dict.fromkeys((14, 15, 9, 147), lambda _: wire.STATUS),  # commit, roll back, log off, ping
        }

    def serve(self) -> None:
        """Answer until the line ends. Raises EOFError, OSError, LineDropped."""
        packets = self._packets
        if not packets.secure(self.server.tls):
            return
        kind, body = packets.receive()
        if kind != CONNECT or not self._is_welcome(body):
            return
        request = b""
        while True:
            kind, body = packets.receive()
            if kind == MARKER:
                packets.send(MARKER, RESET)
                continue
            if kind != DATA or int.from_bytes(body[:2], "big") & END_OF_FILE:
                return
            request += body[2:]
            try:
                answer = self._message(Reader(request))
            except Incomplete:
                continue
            except OracleError as error:
                answer = wire.outcome(error.code, str(error))
            except Cancelled:
                packets.break_off()
                answer = wire.outcome(CANCELLED, "ORA-01013: user requested cancel of current operation")
            request = b""
            packets.reply(answer)

    def wait(self, seconds: float) -> None:
        """A slow statement, which a break of the client ends. Raises Cancelled, EOFError."""
        self._packets.wait(seconds)

    def close(self) -> None:
        """End the line under the client."""
        self._packets.close()

    def _is_welcome(self, body: bytes) -> bool:
        length, offset = struct.unpack_from(">HH", body, 16)
        asked = body[offset - 8 : offset - 8 + length]
        if len(asked) < length:  # a long one comes in a packet of its own
            asked = self._packets.receive()[1][2:]
        if self.server.redirects_to is not None:
            where = wire.redirection(self.server.redirects_to, asked)
            self._packets.send(REDIRECT, struct.pack(">H", len(where)))
            self._packets.reply(where)
            self._packets.receive()  # it is the client who hangs up
            return False
        found = SERVICE.search(asked.decode())
        self.service = found[1] if found else ""
        code = self.server.refuses or (0 if self.server.offers(self.service) else UNKNOWN_SERVICE)
        if code:
            self._packets.send(REFUSE, wire.refusal(code))
            return False
        self._packets.accept()
        return True

    def _message(self, request: Reader) -> bytes:
        kind = request.byte()
        if kind == PROTOCOL:
            return self._negotiated()
        if kind == DATA_TYPES:
            return b"\x02\0\0"
        while kind == PIGGYBACK:
            if request.byte() != CLOSE_CURSORS:
                raise NotImplementedError("a piggyback that is not known here")
            request.skip("bb")
            for _ in range(request.number()):
                self._cursors.close(request.number())
            kind = request.byte()
        if kind != CALL:
            raise NotImplementedError(f"message type {kind}")
        function = request.byte()
        request.byte()  # its sequence number
        return self._calls[function](request)

    def _negotiated(self) -> bytes:
        character_set_element = bytes(9) + struct.pack(">H", 2000)
        compile_time, run_time = bytearray(55), bytearray(13)
        compile_time[7], run_time[6] = FIELD_VERSION, 4
        return b"".join(
            (
                b"\x01\x06\0Linuxi386/Linux-2.0.34-8.1.0\0",
                struct.pack("<HBH", wire.AL32UTF8, 1, 0),
                struct.pack(">H", len(character_set_element)), character_set_element,
                bytes([len(compile_time)]), compile_time,
                bytes([len(run_time)]), run_time,
            )
        )  # fmt: skip

    def _challenge(self, request: Reader) -> bytes:
        self.username, pairs = login.credentials(request)
        self.program = pairs.get("AUTH_PROGRAM_NM", "")
        self._attempt = login.Challenge(self.server.database.password(self.username, self.service))
        return self._attempt.question()

    def _log_in(self, request: Reader) -> bytes:
        _, pairs = login.credentials(request)
        key = self._attempt.key(pairs)
        self.server.database.admit(self.username, self.service)
        self.server.enter(self)
        return login.welcome(key, version=self.server.version_number, service=self.service)
