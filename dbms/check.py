"""Tries every statement of an adapter on one server: what the readers send, and what they would of a larger one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dbms import statements
from dbms.base import Adapter, Connection, Server, Target
from dbms.snapshots import Coverage
from dbms.statements import Statement
from dbms.watching import Sent
from whalefall.errors import RemoteError

GROUPED = "_summarised"  # the form of a statement for more grants than are kept apart
TABLES = 10  # of one database, to try the statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One `.sql` file of the server's version and kind, and how its statements ended. Not every server is asked all."""

    statement: Statement
    sent: tuple[Sent, ...]

    @property
    def errors(self) -> list[tuple[str, str, str]]:
        """(what went wrong in short, the database, what was said), each once."""
        found = ((_cause(each.error), each.database, _detail(each.error)) for each in self.sent if each.error)
        return list(dict.fromkeys(found))

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.sent)

    @property
    def milliseconds(self) -> int:
        return round(sum(each.seconds for each in self.sent) * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a check.

    `failures` says why something could not be read to its end, `unread` which scopes were left out, `grants` what
    statements let the account that reads see more.
    """

    server: Server
    tried: tuple[Tried, ...]
    failures: tuple[str, ...]
    unread: tuple[Coverage, ...]
    grants: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether every statement that was sent was answered."""
        return not self.failures and not any(each.errors for each in self.tried)

    def document(self) -> dict[str, Any]:
        """The report as one JSON document."""
        return {
            "server": {
                "db_type": self.server.db_type,
                "version": self.server.version,
                "main_version": self.server.main_version,
            },
            "statements": [
                {
                    "file": each.statement.filename,
                    "sent": len(each.sent),
                    "rows": each.rows,
                    "milliseconds": each.milliseconds,
                    "errors": [
                        {"cause": cause, "database": database, "detail": detail}
                        for cause, database, detail in each.errors
                    ],
                }
                for each in self.tried
            ],
            "failures": list(self.failures),
            "unread": [{"scope": part.scope, "status": part.status, "reason": part.reason} for part in self.unread],
            "grants": list(self.grants),
        }

    def table(self) -> list[tuple[str, ...]]:
        """A row for each statement: file, result, how often, rows, milliseconds."""
        return [
            (
                each.statement.filename,
                ", ".join(dict.fromkeys(cause for cause, _, _ in each.errors)) or ("ok" if each.sent else "not sent"),
                *((str(len(each.sent)), str(each.rows), str(each.milliseconds)) if each.sent else ("", "", "")),
            )
            for each in self.tried
        ]

    def remarks(self) -> list[str]:
        """What a person needs beside the table: errors in the server's words, what was left out, and the grants."""
        said = [
            f"{each.statement.filename}{f' in {database}' if database else ''}: {cause}: {detail}"
            for each in self.tried
            for cause, database, detail in each.errors
        ]
        unread = [f"not read: {part.scope}: {part.status}: {part.reason}" for part in self.unread]
        return [*said, *self.failures, *unread, *(f"grant: {statement}" for statement in self.grants)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What gathers while the server is read."""

    sent: list[Sent] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unread: list[Coverage] = field(default_factory=list)
    grants: list[str] = field(default_factory=list)


def run(adapter: Adapter, target: Target) -> Report:
    """Let the adapter's readers read the server, and send what they had no reason to. Raises RemoteError when nobody
    gets in; what happens afterwards stands in the report."""
    found = Findings()
    target = replace(target, watcher=found.sent.append)
    with adapter.connect(target) as connection:
        server: Server = connection.server
    for read in (_read_accounts, _read_capacity, _send_the_rest):
        try:
            read(adapter, target, found)
        except RemoteError as error:
            found.failures.append(str(target.interrupt.error(target) or error))
    return Report(
        server=server,
        tried=tuple(
            Tried(statement=statement, sent=tuple(each for each in found.sent if each.noun == statement.noun))
            for statement in _variants(adapter, server)
        ),
        failures=tuple(dict.fromkeys(found.failures)),
        unread=tuple(dict.fromkeys(found.unread)),
        grants=tuple(dict.fromkeys(found.grants)),
    )


def _read_accounts(adapter: Adapter, target: Target, found: Findings) -> None:
    with adapter.connect(target) as connection:
        accounts = adapter.read_accounts(connection)
    found.unread.extend(part for part in accounts.coverage if part.status != "ok")
    found.grants.extend(adapter.grants(accounts, target.username))


def _read_capacity(adapter: Adapter, target: Target, found: Findings) -> None:
    with adapter.connect(target) as connection:
        capacity = adapter.read_capacity(connection)
    found.unread.extend(part for part in capacity.coverage if part.status != "ok")
    found.grants.extend(adapter.capacity_grants(capacity, target.username))
    measured = [database.name for database in capacity.databases if database.size_bytes is not None]
    if measured:
        with adapter.connect(target) as connection:
            adapter.read_tables(connection, measured[0], TABLES)


def _send_the_rest(adapter: Adapter, target: Target, found: Findings) -> None:
    """The grouped forms, with the parameters that the others had."""
    with adapter.connect(target) as connection:
        for noun, params in list(_unsent(connection, adapter, found.sent)):
            try:
                connection.rows(noun, **params)
            except RemoteError:  # which the watcher was told of
                if target.interrupt.reason:
                    raise


def _unsent(connection: Connection, adapter: Adapter, sent: Sequence[Sent]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    asked = {each.noun: each.params for each in sent}
    for statement in _variants(adapter, connection.server):
        plain = statement.noun.removesuffix(GROUPED)
        if statement.noun not in asked and plain in asked:
            yield statement.noun, asked[plain]


def _variants(adapter: Adapter, server: Server) -> list[Statement]:
    """The file of each statement that is for this server."""
    package = f"dbms.{adapter.key}"
    nouns = dict.fromkeys(statement.noun for statement in statements.load(package))
    return [statements.find(package, noun, server.number, server.fork) for noun in nouns]


def _cause(error: RemoteError) -> str:
    """A reason, and the number that the server gave it."""
    number = next((str(error.extra[key]) for key in ("sqlstate", "errno", "code") if error.extra.get(key)), "")
    return f"{error.reason} {number}".strip()


def _detail(error: RemoteError) -> str:
    return str(error.params.get("detail") or error)
