"""How TTC, the protocol above Oracle Net, writes numbers, texts and column values.

What is known of it is what the open source driver python-oracledb (UPL, Apache 2.0) reads and writes in thin mode.
"""

from __future__ import annotations

import datetime
import decimal
import struct
from typing import Any

SHORT_BYTES = 252  # of one length byte; longer values come in chunks
CHUNK_BYTES = 32767
CHUNKED, NULL = 254, (0, 255)
AL32UTF8 = 873


class Incomplete(Exception):
    """A request goes on in the next packet."""


class Reader:
    """Takes a request apart."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def raw(self, count: int) -> bytes:
        """The next bytes as they are. Raises Incomplete."""
        taken = self._data[self._position : self._position + count]
        if len(taken) < count:
            raise Incomplete
        self._position += count
        return taken

    def byte(self) -> int:
        return self.raw(1)[0]

    def number(self) -> int:
        """An unsigned integer that is preceded by its length."""
        return int.from_bytes(self.raw(self.byte() & 0x7F), "big")

    def skip(self, shape: str) -> None:
        """Pass over fields: `b` a byte, `n` a number."""
        for kind in shape:
            self.byte() if kind == "b" else self.number()

    def value(self) -> bytes | None:
        """A value with its length, in chunks when it is long."""
        length = self.byte()
        if length in NULL:
            return None
        if length != CHUNKED:
            return self.raw(length)
        chunks = []
        while count := self.number():
            chunks.append(self.raw(count))
        return b"".join(chunks)

    def text(self) -> str:
        return (self.value() or b"").decode() if self.number() else ""


def number(value: int) -> bytes:
    """An unsigned integer, preceded by its length."""
    if value == 0:
        return b"\0"
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([len(raw)]) + raw


def value(raw: bytes) -> bytes:
    """A value with its length; an empty one is NULL."""
    if len(raw) <= SHORT_BYTES:
        return bytes([len(raw)]) + raw
    chunks = [raw[start : start + CHUNK_BYTES] for start in range(0, len(raw), CHUNK_BYTES)]
    return bytes([CHUNKED]) + b"".join(number(len(chunk)) + chunk for chunk in chunks) + b"\0"


def text(string: str) -> bytes:
    """A text with its length, twice as TTC has it."""
    raw = string.encode()
    return number(len(raw)) + (value(raw) if raw else b"")


def oracle_number(number_: Any) -> bytes:
    """The NUMBER format: an exponent to the base of 100, then its digits."""
    found = decimal.Context(prec=38).create_decimal(str(number_))
    if found == 0:
        return b"\x80"
    is_negative, digits_, exponent = found.as_tuple()
    digits = list(digits_)
    exponent = int(exponent)
    if exponent % 2:
        digits.append(0)
        exponent -= 1
    if len(digits) % 2:
        digits.insert(0, 0)
    pairs = [digits[at] * 10 + digits[at + 1] for at in range(0, len(digits), 2)]
    power = len(pairs) + exponent // 2
    while pairs[-1] == 0:
        pairs.pop()
    if not is_negative:
        return bytes([power + 192, *(pair + 1 for pair in pairs)])
    return bytes([63 - power, *(101 - pair for pair in pairs)]) + (b"\x66" if len(pairs) < 20 else b"")


def parsed_number(raw: bytes) -> int | decimal.Decimal:
    """The inverse of `oracle_number`."""
    if raw == b"\x80":
        return 0
    if raw[0] & 0x80:
        power, pairs, sign = raw[0] - 193, [byte - 1 for byte in raw[1:]], 1
    else:
        power, pairs, sign = 62 - raw[0], [101 - byte for byte in raw[1:] if byte != 0x66], -1
    found = sum(decimal.Decimal(pair).scaleb(2 * (power - at)) for at, pair in enumerate(pairs)) * sign
    return int(found) if found == found.to_integral_value() else decimal.Decimal(found).normalize()


def oracle_date(moment: datetime.datetime) -> bytes:
    """The DATE format: seconds are its finest unit."""
    year = [moment.year // 100 + 100, moment.year % 100 + 100]
    return bytes([*year, moment.month, moment.day, moment.hour + 1, moment.minute + 1, moment.second + 1])


# Column type → (its number, its character set form, the bytes that it takes).
TYPES = {"varchar2": (1, 1, 4000), "number": (2, 0, 22), "date": (12, 0, 7)}


def column_value(kind: str, held: Any) -> bytes:
    """A value of a row. An empty text is NULL, as in the server."""
    if held is None or held == "":
        return b"\0"
    if kind == "number":
        return value(oracle_number(held))
    if kind == "date":
        return value(oracle_date(held))
    return value(str(held).encode())


def description(columns: list[tuple[str, str]]) -> bytes:
    """What the columns of a result, each a name and a type, are called and hold."""
    parts = [b"\x10\0", number(1), number(len(columns)), b"\0" if columns else b""]
    for position, (name, kind) in enumerate(columns):
        type_number, form, size = TYPES[kind]
        parts += [
            bytes([type_number, 0, 0, 0x81 if kind == "number" else 0]), number(size), b"\0\0\0\0",
            number(AL32UTF8 if form else 0), bytes([form]), number(size if form else 0), b"\0\x01",
            bytes([min(len(name.encode()), 255)]), text(name), text(""), text(""), number(position), b"\0",
        ]  # fmt: skip
    return b"".join(parts) + b"\0" * 6


ROW_HEADER = b"\x06" + b"\0" * 7
STATUS = b"\x09\0\0"


def row(kinds: list[str], values: tuple[Any, ...]) -> bytes:
    return b"\x07" + b"".join(map(column_value, kinds, values))


def outcome(code: int = 0, message: str = "", *, cursor: int = 0, rows: int = 0) -> bytes:
    """How a call ended: with an error of the server, or with code 0."""
    head = b"\x04\0\0\0" + number(min(code, 65535)) + b"\0\0" + number(cursor) + b"\0" + b"\0" * 6
    rowid = b"\0" * 5
    tail = b"\0" * 9 + number(code) + number(rows)
    return head + rowid + tail + (value(message.encode()) if code else b"")


def refusal(code: int) -> bytes:
    """What a listener says instead of letting somebody in."""
    said = f"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR={code})(ERROR_STACK=(ERROR=(CODE={code})(EMFI=4))))".encode()
    return b"\x22\0" + struct.pack(">H", len(said)) + said


def redirection(port: int, asked: bytes) -> bytes:
    """What a listener says that passes somebody on to another one, with what was asked for."""
    return f"(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT={port}))".encode() + b"\0" + asked
