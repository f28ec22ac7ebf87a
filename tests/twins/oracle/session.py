"""One client's line: the packets of Oracle Net, the login, and the calls of TTC."""

from __future__ import annotations

import hashlib
import os
import re
import select
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.twins.oracle import wire
from tests.twins.oracle.wire import Incomplete, Reader

if TYPE_CHECKING:
    from tests.twins.oracle.server import OracleServer

CONNECT, ACCEPT, REFUSE, DATA, MARKER = 1, 2, 4, 6, 12  # types of packets
BREAK, RESET = b"\x01\0\x01", b"\x01\0\x02"  # markers
PROTOCOL, DATA_TYPES, CALL, PIGGYBACK = 1, 2, 3, 17  # types of messages
NET_VERSION = 317  # 19c: no out of band breaks, no login in one round trip
FIELD_VERSION = 12  # 19.1
SDU = 8192
END_OF_FILE = 0x40
CLOSE_CURSORS = 105
FETCHES_AT_ONCE = 0x40
TLS_HANDSHAKE = b"\x16"
UNKNOWN_SERVICE, WRONG_LOGIN, NO_MORE_ROWS, CANCELLED = 12514, 1017, 1403, 1013
VERIFIER_ITERATIONS, KEY_ITERATIONS = 4096, 3
SERVICE = re.compile(r"\(SERVICE_NAME=([^)]*)\)", re.IGNORECASE)


class OracleError(Exception):
    """What a statement or a login is answered with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"ORA-{code:05d}: {message}")
        self.code = code


class LineDropped(Exception):
    """The server process dies: the line ends without a word."""


class Cancelled(Exception):
    """The client broke the call off."""


@dataclass
class Cursor:
    """A statement and what is left of its rows."""

    sql: str
    bind_types: list[int]
    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)


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
        self._line = line
        self._has_long_lengths = False  # of packets, since the listener let the client in
        self._cursors: dict[int, Cursor] = {}
        self._calls: dict[int, Callable[[Reader], bytes]] = {
            118: self._challenge,
            115: self._log_in,
            94: self._execute,
            5: self._fetch,
            4: partial(self._execute_again, fetches=False),
            78: partial(self._execute_again, fetches=True),
            **dict.fromkeys((14, 15, 9, 147), lambda _: wire.STATUS),  # commit, roll back, log off, ping
        }

    # Packets --------------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Answer until the line ends. Raises EOFError, OSError, LineDropped."""
        if self._line.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
            if self.server.tls is None:
                self._line.recv(SDU)  # or the client would be told of a reset instead of an end
                return
            self._line = self.server.tls.wrap_socket(self._line, server_side=True)
        kind, body = self._packet()
        if kind != CONNECT or not self._is_welcome(body):
            return
        request = b""
        while True:
            kind, body = self._packet()
            if kind == MARKER:
                self._send(MARKER, RESET)
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
                self._break_off()
                answer = wire.outcome(CANCELLED, "ORA-01013: user requested cancel of current operation")
            request = b""
            self._reply(answer)

    def wait(self, seconds: float) -> None:
        """A slow statement, which a break of the client ends. Raises Cancelled, EOFError."""
        if select.select([self._line], [], [], seconds)[0]:
            kind, _ = self._packet()
            if kind != MARKER:
                raise EOFError
            raise Cancelled

    def close(self) -> None:
        """End the line under the client."""
        self._line.close()

    def _is_welcome(self, body: bytes) -> bool:
        length, offset = struct.unpack_from(">HH", body, 16)
        asked = body[offset - 8 : offset - 8 + length]
        if len(asked) < length:  # a long one comes in a packet of its own
            asked = self._packet()[1][2:]
        found = SERVICE.search(asked.decode())
        self.service = found[1] if found else ""
        code = self.server.refuses or (0 if self.server.offers(self.service) else UNKNOWN_SERVICE)
        if code:
            self._send(REFUSE, wire.refusal(code))
            return False
        accepted = struct.pack(">HH", NET_VERSION, 1) + bytes(10) + b"\x04" + bytes(9) + struct.pack(">I", SDU)
        self._send(ACCEPT, accepted + bytes(9))
        self._has_long_lengths = True
        return True

    def _break_off(self) -> None:
        self._send(MARKER, BREAK)
        while self._packet()[0] != MARKER:
            pass
        self._send(MARKER, RESET)

    def _packet(self) -> tuple[int, bytes]:
        head = self._exactly(8)
        length = int.from_bytes(head[:4] if self._has_long_lengths else head[:2], "big")
        return head[4], self._exactly(length - 8)

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            more = self._line.recv(count - len(found))
            if not more:
                raise EOFError
            found += more
        return found

    def _send(self, kind: int, body: bytes) -> None:
        length = len(body) + 8
        size = struct.pack(">I", length) if self._has_long_lengths else struct.pack(">HH", length, 0)
        self._line.sendall(size + bytes([kind, 0, 0, 0]) + body)

    def _reply(self, answer: bytes) -> None:
        step = SDU - 20
        for start in range(0, len(answer), step):
            self._send(DATA, b"\0\0" + answer[start : start + step])

    # Messages -------------------------------------------------------------------------------------------------------

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
                self._cursors.pop(request.number(), None)
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

    # Login: O5LOGON with a verifier of 12c ---------------------------------------------------------------------------

    def _credentials(self, request: Reader) -> tuple[str, dict[str, str]]:
        request.skip("bnnb")
        count = request.number()
        request.skip("bb")
        name = (request.value() or b"").decode()
        pairs = {}
        for _ in range(count):
            key = request.text()
            pairs[key] = request.text()
            request.number()
        return (name[1:-1] if name.startswith('"') else name.upper()), pairs

    def _challenge(self, request: Reader) -> bytes:
        self.username, pairs = self._credentials(request)
        self.program = pairs.get("AUTH_PROGRAM_NM", "")
        known = self.server.database.password(self.username, self.service)
        self._password = os.urandom(16).hex() if known is None else known
        salt, self._key_salt = os.urandom(16), os.urandom(16)
        stretched = _stretched(self._password.encode(), salt + b"AUTH_PBKDF2_SPEEDY_KEY", 64, VERIFIER_ITERATIONS)
        self._verifier = hashlib.sha512(stretched + salt).digest()[:32]
        self._own_half = os.urandom(32)
        return _parameters(
            ("AUTH_SESSKEY", _encrypted(self._verifier, self._own_half).hex().upper(), 0),
            ("AUTH_VFR_DATA", salt.hex().upper(), 0x4815),
            ("AUTH_PBKDF2_CSK_SALT", self._key_salt.hex().upper(), 0),
            ("AUTH_PBKDF2_VGEN_COUNT", str(VERIFIER_ITERATIONS), 0),
            ("AUTH_PBKDF2_SDER_COUNT", str(KEY_ITERATIONS), 0),
        )

    def _log_in(self, request: Reader) -> bytes:
        _, pairs = self._credentials(request)
        other_half = _decrypted(self._verifier, bytes.fromhex(pairs["AUTH_SESSKEY"]))
        both = (other_half[:32] + self._own_half).hex().upper().encode()
        key = _stretched(both, self._key_salt, 32, KEY_ITERATIONS)
        given = _decrypted(key, bytes.fromhex(pairs["AUTH_PASSWORD"]))
        if given[16 : -given[-1]] != self._password.encode():
            raise OracleError(WRONG_LOGIN, "invalid username/password; logon denied")
        self.server.database.admit(self.username, self.service)
        self.server.enter(self)
        proof = _encrypted(key, os.urandom(16) + b"SERVER_TO_CLIENT" + bytes([16]) * 16)
        return _parameters(
            ("AUTH_VERSION_NO", str(self.server.version_number), 0), ("AUTH_SVR_RESPONSE", proof.hex().upper(), 0),
            ("AUTH_SESSION_ID", "77", 0), ("AUTH_SERIAL_NUM", "5", 0), ("AUTH_SC_DBUNIQUE_NAME", "ORCL", 0),
            ("AUTH_SC_SERVICE_NAME", self.service, 0), ("AUTH_INSTANCENAME", "orcl", 0),
            ("AUTH_MAX_OPEN_CURSORS", "300", 0), ("AUTH_MAX_IDEN_LENGTH", "128", 0),
        )  # fmt: skip

    # Statements -----------------------------------------------------------------------------------------------------

    def _execute(self, request: Reader) -> bytes:
        options, cursor = request.number(), request.number()
        request.skip("bnbnbbn")
        count = request.number()
        request.skip("nb")
        binds = request.number()
        request.skip("bbbbbb")
        defines = request.number()
        request.skip("nbbbnbnn" + "bnb" + "bnbnb" + "bn")
        sql = (request.value() or b"").decode() if cursor == 0 else self._cursors[cursor].sql
        request.skip("n" * 13)
        types = [_bind_type(request) for _ in range(binds or defines)] if binds or defines else []
        values = _bind_values(request, types) if binds else []
        if cursor == 0:
            cursor = max(self._cursors, default=0) + 1
            self._cursors[cursor] = Cursor(sql, types if binds else [])
        return self._run(cursor, values, count if options & FETCHES_AT_ONCE else 0, is_described=True)

    def _execute_again(self, request: Reader, *, fetches: bool) -> bytes:
        cursor, count = request.number(), request.number()
        request.skip("nn")
        values = _bind_values(request, self._cursors[cursor].bind_types)
        return self._run(cursor, values, count if fetches else 0, is_described=False)

    def _run(self, number: int, binds: list[Any], count: int, *, is_described: bool) -> bytes:
        cursor = self._cursors[number]
        self.running = cursor.sql
        try:
            answer = self.server.execute(self, cursor.sql, binds)
        except OracleError:
            del self._cursors[number]
            raise
        finally:
            self.running = ""
        if answer is None:
            return wire.outcome(cursor=number)
        cursor.columns, cursor.rows = answer[0], list(answer[1])
        described = wire.description(cursor.columns) if is_described else b""
        return described + (wire.ROW_HEADER if count else b"") + self._rows(number, count)

    def _fetch(self, request: Reader) -> bytes:
        cursor, count = request.number(), request.number()
        return wire.ROW_HEADER + self._rows(cursor, count)

    def _rows(self, number: int, count: int) -> bytes:
        cursor = self._cursors[number]
        taken, cursor.rows = cursor.rows[:count], cursor.rows[count:]
        kinds = [kind for _, kind in cursor.columns]
        sent = b"".join(wire.row(kinds, values) for values in taken)
        if count and not cursor.rows and len(taken) < count:
            return sent + wire.outcome(NO_MORE_ROWS, "ORA-01403: no data found", cursor=number, rows=len(taken))
        return sent + wire.outcome(cursor=number, rows=len(taken))


def _bind_type(request: Reader) -> int:
    kind = request.byte()
    request.skip("bbbnnn")
    if request.number():
        request.value()
    request.skip("nnbnn")
    return kind


def _bind_values(request: Reader, types: list[int]) -> list[Any]:
    if not types:
        return []
    request.byte()  # the type of the message: a row
    found: list[Any] = []
    for kind in types:
        raw = request.value()
        found.append(None if raw is None else wire.parsed_number(raw) if kind == 2 else raw.decode())
    return found


def _parameters(*items: tuple[str, str, int]) -> bytes:
    written = (wire.text(key) + wire.text(value) + wire.number(flags) for key, value, flags in items)
    return b"\x08" + wire.number(len(items)) + b"".join(written) + wire.STATUS


def _stretched(key: bytes, salt: bytes, length: int, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", key, salt, iterations, length)


def _encrypted(key: bytes, data: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    return cipher.update(data) + cipher.finalize()


def _decrypted(key: bytes, data: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor()
    return cipher.update(data) + cipher.finalize()
