"""The few parts of TDS that stand before and in the answer to a login ([MS-TDS] 2.2.6.5, 2.2.7)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

PRELOGIN, LOGIN, REPLY = 18, 16, 4  # kinds of messages
ENCRYPT_LOGIN, ENCRYPT_ALL, ENCRYPT_NOTHING, ENCRYPT_REQUIRED = 0, 1, 2, 3

_HEADER = 8
_END_OF_MESSAGE = 1
_ENCRYPTION, _END_OF_OPTIONS = 1, 0xFF
_ERROR, _CHANGE, _SIZED = 0xAA, 0xE3, frozenset({0xAA, 0xAB, 0xAD, 0xE3})
_ROUTING = 20


class Malformed(ValueError):
    """What was received is not TDS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerMessage:
    """An error of the server."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAnswer:
    """What a server says to a login: its errors, and the host that it sends the client to instead, if any."""

    errors: tuple[ServerMessage, ...] = ()
    routed_to: str = ""


def read_message(receive: Callable[[int], bytes], kind: int) -> bytes:
    """One message of a kind, its packets as they come; `receive` gives exactly as many bytes as it is asked for.

    Raises Malformed.
    """
    packets = b""
    while True:
        header = receive(_HEADER)
        found, status, length = struct.unpack(">BBH", header[:4])
        if found != kind or length < _HEADER:
            raise Malformed(f"a message that begins with {header!r}")
        packets += header + receive(length - _HEADER)
        if status & _END_OF_MESSAGE:
            return packets


def message(kind: int, body: bytes) -> bytes:
    """A message of one packet."""
    return struct.pack(">BBHHBB", kind, _END_OF_MESSAGE, len(body) + _HEADER, 0, 1, 0) + body


def body_of(packets: bytes) -> bytes:
    """What a message says, without the headers of its packets."""
    body, at = b"", 0
    while at < len(packets):
        (length,) = struct.unpack_from(">H", packets, at + 2)
        body += packets[at + _HEADER : at + length]
        at += length
    return body


def encryption_of(prelogin: bytes) -> int:
    """What the sender of a prelogin wants to have encrypted. Raises Malformed."""
    return prelogin[_encryption_at(prelogin)]


def with_encryption(prelogin: bytes, wanted: int) -> bytes:
    """The same prelogin with another wish. Raises Malformed."""
    at = _encryption_at(prelogin)
    return prelogin[:at] + bytes([wanted]) + prelogin[at + 1 :]


def _encryption_at(prelogin: bytes) -> int:
    at = _HEADER
    while at + 5 <= len(prelogin) and prelogin[at] != _END_OF_OPTIONS:
        option, offset, length = struct.unpack_from(">BHH", prelogin, at)
        if option == _ENCRYPTION and length and _HEADER + offset < len(prelogin):
            return int(_HEADER + offset)
        at += 5
    raise Malformed("a prelogin that says nothing about encryption")


def login_answer(packets: bytes) -> LoginAnswer:
    """What a server says to a login, as far as it stands before tokens without a length."""
    body, at = body_of(packets), 0
    errors: list[ServerMessage] = []
    routed_to = ""
    while at + 3 <= len(body) and body[at] in _SIZED:
        token, length = struct.unpack_from("<BH", body, at)
        data = body[at + 3 : at + 3 + length]
        try:
            if token == _ERROR:
                number, characters = struct.unpack_from("<i2xH", data)
                errors.append(ServerMessage(number=number, text=_text(data[8:], characters)))
            elif token == _CHANGE and data[0] == _ROUTING:
                port, characters = struct.unpack_from("<HH", data, 4)
                routed_to = f"{_text(data[8:], characters)}:{port}"
        except (struct.error, IndexError):
            break
        at += 3 + length
    return LoginAnswer(errors=tuple(errors), routed_to=routed_to)


def _text(data: bytes, characters: int) -> str:
    return data[: characters * 2].decode("utf-16-le", "replace")
