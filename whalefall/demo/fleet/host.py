"""What a host of the demo is, whatever server it runs on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from whalefall.demo.servers import ThrowawayServer

MONITOR = "whalefall_monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dbms:
    """A kind of server: how to start one from its binaries, and how its superuser works there.

    `prepare` makes databases and a monitoring account that may do no more than `docs/monitoring-accounts.md` says.
    """

    name: str
    db_type: str
    package: str
    find: Callable[[], Path | None]
    start: Callable[[Path], AbstractContextManager[ThrowawayServer]]
    prepare: Callable[[ThrowawayServer, tuple[str, ...], str], None]
    execute: Callable[[ThrowawayServer, str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that a DBA does between the two sessions, and which row of the change log it must become."""

    database: str
    statement: str
    account: str
    change_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One instance of the demo: databases, scripts by database, later changes."""

    name: str
    description: str
    dbms: Dbms
    databases: tuple[str, ...]
    scripts: tuple[tuple[str, str], ...]
    changes: tuple[Change, ...]

    def fill(self, server: ThrowawayServer, monitor_password: str) -> None:
        """Create the databases, accounts and grants, and a monitoring account."""
        self.dbms.prepare(server, self.databases, monitor_password)
        for database, script in self.scripts:
            self.dbms.execute(server, database, script)

    def change(self, server: ThrowawayServer) -> None:
        """Do what the DBA does between the two sessions."""
        for step in self.changes:
            self.dbms.execute(server, step.database, step.statement)
