"""Statements, and the rows that are left of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.twins.oracle import wire
from tests.twins.oracle.errors import OracleError
from tests.twins.oracle.wire import Reader

if TYPE_CHECKING:
    from tests.twins.oracle.session import Session

FETCHES_AT_ONCE = 0x40
NO_MORE_ROWS = 1403


@dataclass
class Cursor:
    """A statement and what is left of its rows."""

    sql: str
    bind_types: list[int]
    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)


class Cursors:
    """The calls of a session that run statements, each answered by the message that comes back."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cursors: dict[int, Cursor] = {}

    def close(self, number: int) -> None:
        self._cursors.pop(number, None)

    def execute(self, request: Reader) -> bytes:
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

    def execute_again(self, request: Reader, *, fetches: bool) -> bytes:
        cursor, count = request.number(), request.number()
        request.skip("nn")
        values = _bind_values(request, self._cursors[cursor].bind_types)
        return self._run(cursor, values, count if fetches else 0, is_described=False)

    def _run(self, number: int, binds: list[Any], count: int, *, is_described: bool) -> bytes:
        cursor = self._cursors[number]
        self._session.running = cursor.sql
        try:
            answer = self._session.server.execute(self._session, cursor.sql, binds)
        except OracleError:
            del self._cursors[number]
            raise
        finally:
            self._session.running = ""
        if answer is None:
            return wire.outcome(cursor=number)
        cursor.columns, cursor.rows = answer[0], list(answer[1])
        described = wire.description(cursor.columns) if is_described else b""
        return described + (wire.ROW_HEADER if count else b"") + self._rows(number, count)

    def fetch(self, request: Reader) -> bytes:
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
