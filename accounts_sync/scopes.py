"""What a read may conclude: which scopes it covered, what can be compared there, and what is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dbms.snapshots import DATABASE_LIST, DATABASE_PREFIXES, SERVER, Coverage, is_database_scope
from sessions_app.models import InstanceCoverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """The scopes of one read against the ledger of the reads before it."""

    read: frozenset[str]  # covered by this read
    named: frozenset[str]  # mentioned by this read, covered or not
    ledger: frozenset[str]  # mentioned by reads before
    is_list_complete: bool  # whether a database that is not named does not exist
    # Covered scope → categories of which the state before this read is known in the same shape. A scope whose state
    # before is not known at all is missing.
    comparable: Mapping[str, frozenset[str]]
    reshaped: frozenset[str]  # covered before, but not in exactly these categories and shapes
    is_steady: bool  # whatever was read of the server itself was read in the same categories before

    @classmethod
    def between(cls, ledger: Mapping[str, InstanceCoverage], coverage: Sequence[Coverage]) -> Scopes:
        """What `coverage` may conclude after what `ledger` remembers."""
        read = {scope.scope: frozenset(scope.categories) for scope in coverage if scope.status == "ok"}
        before = {scope: frozenset(row.categories) for scope, row in ledger.items() if row.last_ok_at is not None}
        had_complete_list = DATABASE_LIST in before.get(SERVER, frozenset())
        comparable: dict[str, frozenset[str]] = {}
        for scope, categories in read.items():
            if scope in before:
                comparable[scope] = _plain(categories & before[scope])
            elif had_complete_list and scope not in ledger:
                comparable[scope] = _plain(categories)  # the database is new, so every grant in it is
        return cls(
            read=frozenset(read),
            named=frozenset(scope.scope for scope in coverage),
            ledger=frozenset(ledger),
            is_list_complete=DATABASE_LIST in read.get(SERVER, frozenset()),
            comparable=comparable,
            reshaped=frozenset(scope for scope in read.keys() & before.keys() if read[scope] != before[scope]),
            is_steady=SERVER in read
            and all(
                scope in before and before[scope] ^ categories <= {DATABASE_LIST}
                for scope, categories in read.items()
                if not is_database_scope(scope)
            ),
        )

    @property
    def is_server_read(self) -> bool:
        """Whether this read knows all accounts and their attributes."""
        return SERVER in self.read

    @property
    def gone(self) -> frozenset[str]:
        """Scopes of the ledger whose database no longer exists."""
        return frozenset(scope for scope in self.ledger if self.is_gone(scope))

    def is_gone(self, scope: str) -> bool:
        """Whether the scope's database is known not to exist."""
        return self.is_list_complete and is_database_scope(scope) and scope not in self.named

    def keeps(self, scope: str) -> bool:
        """Whether what is stored of a scope stays as it is."""
        return scope not in self.read and not self.is_gone(scope)

    def home(self, host: str) -> str:
        """The scope that says whether an account exists: a database's own users belong to it, others to the server."""
        candidates = (f"{prefix}{host}" for prefix in DATABASE_PREFIXES)
        return next((scope for scope in candidates if scope in self.named or scope in self.ledger), SERVER)


def _plain(categories: frozenset[str]) -> frozenset[str]:
    """Category keys without the shape that they were read in."""
    return frozenset(category.partition(":")[0] for category in categories)
