"""Everything that a server answered to the statements of one read, before anything is made of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

import orjson

from dbms.oracle.connection import Connection
from dbms.oracle.failures import ends_reading
from whalefall.errors import PrivilegeMissing, RemoteError, RemoteTimeout

OBJECT = re.compile(r"SYS\.[\w$]+")
# Statements whose last column is a moment that changes by every login: its day is enough, or no two reads were equal.
BY_DAY = ("users",)
NO_SELECT = "no SELECT on {tables}"


class Answers:
    """Rows by statement, and the errors of those that failed; `digest` is that of all of them.

    `nouns` names the statements, each with how many rows of it to take (None: all). Raises RemoteError when the
    connection is of no more use.
    """

    def __init__(self, connection: Connection, nouns: Iterable[tuple[str, int | None]]) -> None:
        self.connection = connection
        self._given: dict[str, list[tuple[Any, ...]] | RemoteError] = {}
        is_whole = True
        whole = hashlib.sha256(orjson.dumps([connection.reader, connection.clock_offset.total_seconds()]))
        for noun, most in nouns:
            answer = self._given[noun] = _ask(connection, noun, most)
            is_whole = is_whole and not (most and isinstance(answer, list) and len(answer) >= most)
            whole.update(orjson.dumps([noun, _said(answer)]))
        self.digest = whole.hexdigest()[:32] if is_whole else ""  # behind a limit something else may have changed

    def has(self, noun: str) -> bool:
        """Whether the statement was sent: some versions and containers have not what it is about."""
        return noun in self._given

    def rows(self, noun: str) -> list[tuple[Any, ...]]:
        """The rows of a statement. Raises the RemoteError that it was answered with."""
        answer = self._given[noun]
        if isinstance(answer, RemoteError):
            raise answer
        return answer

    def rows_if_any(self, noun: str) -> list[tuple[Any, ...]]:
        """The rows of a statement; none when it failed."""
        answer = self._given[noun]
        return [] if isinstance(answer, RemoteError) else answer

    def failed(self, noun: str) -> bool:
        """Whether a statement ended with an error."""
        return isinstance(self._given.get(noun), RemoteError)

    def needed(self, noun: str) -> str:
        """What has to be readable for a statement, as its file says: "SYS.DBA_USERS"."""
        return ", ".join(needed_by(self.connection, noun))

    def reason(self, noun: str, error: RemoteError) -> tuple[str, str]:
        """The coverage status and reason that follow from a failed statement."""
        if isinstance(error, PrivilegeMissing):
            return "denied", NO_SELECT.format(tables=self.needed(noun))
        status = "timeout" if isinstance(error, RemoteTimeout) else "error"
        return status, str(error.params["detail"] or error)[:200]


def needed_by(connection: Connection, noun: str) -> list[str]:
    """The views that a statement reads, as its file says: ["SYS.DBA_USERS"]."""
    return OBJECT.findall(connection.statement(noun).header["Needs"])


def _ask(connection: Connection, noun: str, most: int | None) -> list[tuple[Any, ...]] | RemoteError:
    try:
        rows = connection.rows(noun, most=most)
    except RemoteError as error:
        if ends_reading(error, connection.target):
            raise
        return error
    return [(*row, moment and moment.date()) for *row, moment in rows] if noun in BY_DAY else rows


def _said(answer: list[tuple[Any, ...]] | RemoteError) -> list[str]:
    """An answer as text; its rows come in no fixed order."""
    return [type(answer).__name__, str(answer)] if isinstance(answer, RemoteError) else sorted(map(repr, answer))
