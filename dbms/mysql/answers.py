"""Everything that a server answered to the statements of one read, before anything is made of it."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from dbms.mysql.connection import MARIADB, Connection
from dbms.mysql.failures import ends_reading
from whalefall.errors import RemoteError

NOUNS = ("databases", "users", "database_grants", "table_grants", "column_grants", "routine_grants", "proxies")
SINCE_8 = ("roles", "dynamic_privileges")


class Answers:
    """Rows by statement, and the errors of those that failed; `digest` is that of all of them.

    Most reads find a server as the last one left it. Its digest tells so for a small part of what taking the rows
    apart would cost. Raises RemoteError when the connection is of no more use.
    """

    def __init__(self, connection: Connection, *, row_limit: int) -> None:
        self.connection = connection
        self.server = connection.server
        self.variables = connection.variables
        self._given: dict[str, list[tuple[Any, ...]] | RemoteError] = {}
        is_whole = True
        whole = hashlib.sha256(orjson.dumps(sorted(self.variables.items())))
        for noun in _nouns(connection):
            answer = self._given[noun] = _ask(connection, noun, row_limit)
            is_whole = is_whole and not (isinstance(answer, list) and _has_limit(noun) and len(answer) >= row_limit)
            said = [type(answer).__name__, str(answer)] if isinstance(answer, RemoteError) else answer
            whole.update(orjson.dumps([noun, said], default=repr))
        self.digest = whole.hexdigest()[:32] if is_whole else ""  # behind a limit something else may have changed

    def has(self, noun: str) -> bool:
        """Whether the server has what the statement is about: some versions know no roles."""
        return noun in self._given

    def rows(self, noun: str) -> list[tuple[Any, ...]]:
        """The rows of a statement. Raises the RemoteError that it was answered with."""
        answer = self._given[noun]
        if isinstance(answer, RemoteError):
            raise answer
        return answer


def _nouns(connection: Connection) -> tuple[str, ...]:
    if connection.server.fork == MARIADB:
        return (*NOUNS, "roles")
    return (*NOUNS, *SINCE_8) if connection.server.number >= (8,) else NOUNS


def _has_limit(noun: str) -> bool:
    return noun.endswith("_grants")


def _ask(connection: Connection, noun: str, row_limit: int) -> list[tuple[Any, ...]] | RemoteError:
    limits = {"row_limit": row_limit} if _has_limit(noun) else {}
    try:
        return connection.rows(noun, **limits)
    except RemoteError as error:
        if ends_reading(error, connection.target):
            raise
        return error
