"""Several databases in one round trip, and each for itself where one of them spoils it for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from dbms.sqlserver.connection import Connection
from whalefall.errors import RemoteError

DATABASES_AT_ONCE = 20  # so that one statement time-out is enough for them

T = TypeVar("T")


def each(
    connection: Connection, names: Sequence[str], read: Callable[[Sequence[str]], Mapping[str, T]]
) -> Iterator[tuple[str, T | RemoteError]]:
    """What `read` yields of each database, or why it yields nothing.

    Raises RemoteError when the connection is of no more use.
    """
    for start in range(0, len(names), DATABASES_AT_ONCE):
        yield from _batch(connection, names[start : start + DATABASES_AT_ONCE], read)


def _batch(
    connection: Connection, names: Sequence[str], read: Callable[[Sequence[str]], Mapping[str, T]]
) -> Iterator[tuple[str, T | RemoteError]]:
    try:
        found = read(names)
    except RemoteError as error:
        if connection.is_lost:
            raise
        if len(names) == 1:
            yield names[0], error
            return
    else:
        yield from found.items()
        return
    for name in names:
        yield from _batch(connection, [name], read)
