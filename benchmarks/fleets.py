"""The servers that the accounts benchmark reads, by kind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import benchmarks.mysql.fleet
import benchmarks.mysql.floor
import benchmarks.postgresql.fleet
import benchmarks.postgresql.floor
from benchmarks.floor import Login, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Instances at addresses of their own, spread over a few real servers, and what reads one of them at least."""

    instances: int
    real: int
    filled: Callable[..., AbstractContextManager[list[Login]]]
    read: Callable[[Login], list[Row]]

    def start(self, accounts: int) -> AbstractContextManager[list[Login]]:
        """The logins of running instances that have so many accounts each."""
        return self.filled(instances=self.instances, real=self.real, accounts=accounts)


FLEETS = {
    "postgresql": Fleet(
        instances=20,
        real=4,
        filled=benchmarks.postgresql.fleet.filled,
        read=benchmarks.postgresql.floor.read,
    ),
    "mysql": Fleet(
        instances=5,
        real=2,
        filled=benchmarks.mysql.fleet.filled,
        read=benchmarks.mysql.floor.read,
    ),
}
