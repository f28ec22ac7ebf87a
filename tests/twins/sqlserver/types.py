"""Column types of TDS and how their values travel ([MS-TDS] 2.2.5.4, 2.2.5.5)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

COLLATION = bytes([0x09, 0x04, 0xD0, 0x00, 0x34])  # SQL_Latin1_General_CP1_CI_AS
CHARACTERS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnType:
    """`info` describes a column; `encode` writes one value of it, None included."""

    info: bytes
    encode: Callable[[object], bytes]


def _short(length: int, write: Callable[[object], bytes]) -> Callable[[object], bytes]:
    return lambda value: b"\0" if value is None else bytes([length]) + write(value)


def _long(write: Callable[[object], bytes]) -> Callable[[object], bytes]:
    def encode(value: object) -> bytes:
        if value is None:
            return b"\xff\xff"
        raw = write(value)
        return struct.pack("<H", len(raw)) + raw

    return encode


def _moment(value: datetime) -> bytes:
    passed = value - datetime(1900, 1, 1)
    return struct.pack("<iI", passed.days, round((passed.seconds + passed.microseconds / 1e6) * 300))


BIT = ColumnType(info=bytes([0x68, 1]), encode=_short(1, lambda value: bytes([bool(value)])))
INT = ColumnType(info=bytes([0x26, 4]), encode=_short(4, lambda value: struct.pack("<i", value)))
BIGINT = ColumnType(info=bytes([0x26, 8]), encode=_short(8, lambda value: struct.pack("<q", value)))
DATETIME = ColumnType(info=bytes([0x6F, 8]), encode=_short(8, _moment))
NVARCHAR = ColumnType(
    info=bytes([0xE7]) + struct.pack("<H", CHARACTERS * 2) + COLLATION,
    encode=_long(lambda value: value.encode("utf-16-le", "surrogatepass")),
)
VARBINARY = ColumnType(info=bytes([0xA5]) + struct.pack("<H", 8000), encode=_long(bytes))

BY_VALUE = ((bool, BIT), (int, INT), (str, NVARCHAR), (bytes, VARBINARY), (datetime, DATETIME))


def type_of(values: Sequence[object]) -> ColumnType:
    """The type of a column that holds these values."""
    known = [value for value in values if value is not None]
    if not known:
        return INT
    found = next(column for python, column in BY_VALUE if isinstance(known[0], python))
    return BIGINT if found is INT and any(abs(value) >= 2**31 for value in known) else found


def rowset(rows: Sequence[Sequence[object]], width: int) -> bytes:
    """COLMETADATA and ROW tokens of one result set, its columns without names."""
    types = [type_of([row[column] for row in rows]) for column in range(width)]
    head = b"\x81" + struct.pack("<H", width) + b"".join(struct.pack("<IH", 0, 9) + each.info + b"\0" for each in types)
    encoders = [each.encode for each in types]
    body = [b"\xd1" + b"".join(encode(value) for encode, value in zip(encoders, row, strict=True)) for row in rows]
    return head + b"".join(body)
