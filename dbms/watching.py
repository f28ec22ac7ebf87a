"""Who wants to see what is sent to a server, statement by statement, watches a target."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from whalefall.errors import RemoteError

if TYPE_CHECKING:
    from dbms.base import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A statement that has ended: `params` are what the adapter's `rows()` gets with the noun.

    `database` is the one that it was about, as far as it was about one.
    """

    noun: str
    params: Mapping[str, Any]
    database: str
    rows: int
    seconds: float
    error: RemoteError | None = None


@contextmanager
def watched(target: Target, *sent: tuple[str, Mapping[str, Any]]) -> Iterator[Callable[[int], None]]:
    """Tell the target's watcher how each of these statements, (noun, parameters), ends that the block sends in turn.

    The block gets a function to call with the number of rows when one has ended; a RemoteError is the end of the next.
    """
    waiting = iter(sent)
    began = time.monotonic()

    def ended(rows: int, error: RemoteError | None = None) -> None:
        nonlocal began
        noun, params = next(waiting, ("", {}))
        now = time.monotonic()
        if noun and target.watcher is not None:
            database = params.get("database") or target.database
            target.watcher(
                Sent(noun=noun, params=params, database=database, rows=rows, seconds=now - began, error=error)
            )
        began = now

    try:
        yield ended
    except RemoteError as error:
        ended(0, error)
        raise
