"""Reads every user and role of an Oracle database and what it was granted: one statement per kind of grant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dbms.oracle.answers import Answers
from dbms.oracle.connection import Connection
from dbms.oracle.containers import OWN, ROOT_NOUNS, Containers, read_containers, server_coverage
from dbms.oracle.facts import Graph
from dbms.oracle.grants import select_on
from dbms.oracle.names import quoted
from dbms.oracle.principals import PUBLIC, Place, Principal, read_principals
from dbms.oracle.privileges import ADMIN, GRANT_ROW_CAP, SOURCES, in_pdb
from dbms.oracle.scopes import ScopeRead, read_scopes
from dbms.snapshots import (
    DATABASE_LIST,
    SERVER,
    AccountSnapshot,
    AccountsSnapshot,
    Coverage,
    account,
    category_scope,
    pdb_scope,
    storable,
)
from whalefall.errors import PrivilegeMissing

LOCK_TIMES = "password_lock_times"
OWN_NOUNS = ("users", "roles", LOCK_TIMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was read: principals by name and container, grants by kind."""

    principals: Mapping[Place, Principal]
    scopes: Sequence[ScopeRead]
    containers: Containers

    def home(self, name: str, container: int) -> Place:
        """The principal that a name means in a container: a common one is kept once, in the own container."""
        found = self.principals.get((name, container))
        own = self.principals.get((name, OWN))
        if name == PUBLIC or (own is not None and own.is_common and (found is None or found.is_common)):
            return (name, OWN)
        return (name, container)


def read_accounts(connection: Connection, *, grant_row_cap: int = GRANT_ROW_CAP) -> AccountsSnapshot:
    """Read all users and roles, and their grants of every kind, by a fixed number of statements.

    From the root of a CDB this covers every pluggable database that is open; from within one, that one. A view that
    cannot be read only costs its own scope, and the pluggable databases, which are read as a whole. Raises RemoteError
    when users or roles cannot be read: then nobody knows who exists.
    """
    answers = Answers(connection, _nouns(connection, grant_row_cap + 1))
    server = connection.server
    snapshot = AccountsSnapshot(
        db_type=server.db_type,
        version=server.version,
        main_version=server.main_version,
        reader=quoted(connection.reader),
        digest=answers.digest,
    )
    if answers.digest and answers.digest == connection.target.known_digest:
        return replace(snapshot, is_known=True)
    try:
        principals = read_principals(answers)
    except PrivilegeMissing as error:
        needed = "; ".join(
            select_on([answers.needed(noun) for noun in ("users", "roles") if answers.failed(noun)], snapshot.reader)
        )
        raise PrivilegeMissing(**connection.target.address, detail=needed, extra=error.extra) from error
    scopes = read_scopes(answers, grant_row_cap=grant_row_cap)
    failed = next((read.coverage for read in scopes if read.coverage.status != "ok"), None)
    seen = {container for _, container in principals}  # every open container has users
    containers = read_containers(answers, seen=seen, failed=failed, beside=(LOCK_TIMES,))
    accounts = _accounts(Reading(principals=principals, scopes=scopes, containers=containers))
    if failed is None and not containers.unread and (containers.is_list_complete or not connection.is_root):
        accounts = _shut_out(accounts)  # else nobody can say that an account has no way in
    return replace(
        snapshot,
        coverage=(
            server_coverage(containers, (DATABASE_LIST,) if containers.is_list_complete else ()),
            *(read.coverage for read in scopes),
            *_pdb_coverage(scopes, containers),
            *containers.unread.values(),
        ),
        accounts=accounts,
    )


def _nouns(connection: Connection, row_limit: int) -> Iterator[tuple[str, int | None]]:
    """(statement, how many rows of it to take)."""
    yield from ((noun, None) for noun in OWN_NOUNS)
    if connection.is_root:
        yield from ((noun, None) for noun in ROOT_NOUNS)
    yield from ((source.noun, row_limit) for source in SOURCES if connection.server.number >= source.since)


def _shut_out(accounts: Sequence[AccountSnapshot]) -> tuple[AccountSnapshot, ...]:
    """The accounts, with those locked that may log in nowhere because they lack CREATE SESSION."""
    graph = Graph(accounts)
    return tuple(
        replace(account, is_locked=True)
        if account.kind == "user" and not account.is_locked and not graph.opens_sessions(account)
        else account
        for account in accounts
    )


def _pdb_coverage(scopes: Sequence[ScopeRead], containers: Containers) -> list[Coverage]:
    categories = tuple(category for read in scopes for category in read.pdb_categories)
    reason = "summarised" if any(read.suffix for read in scopes) else ""
    return [
        Coverage(scope=pdb_scope(name), status="ok", reason=reason, categories=categories)
        for name in containers.pdbs.values()
    ]


def _accounts(reading: Reading) -> tuple[AccountSnapshot, ...]:
    pdbs = reading.containers.pdbs
    parts: dict[Place, dict[str, dict[str, Any]]] = {}
    counts: dict[Place, dict[str, Any]] = {}
    for read in reading.scopes:
        for container, collected in read.by_container.items():
            if container != OWN and container not in pdbs:
                continue
            scope = read.scope if container == OWN else pdb_scope(pdbs[container])
            for category, held in collected.held.items():
                for grantee, value in held.items():
                    place = reading.home(grantee, container)
                    part = parts.setdefault(place, {}).setdefault(scope, {})
                    part.update({category: value} if container == OWN else {in_pdb(category): {pdbs[container]: value}})
            for grantee, counted in collected.summarised.items():
                key = scope if container == OWN else storable(pdbs[container])
                counts.setdefault(reading.home(grantee, container), {}).setdefault(key, {}).update(counted)
    return tuple(
        _account(principal, parts.get(place, {}), counts.get(place, {}), host="" if place[1] == OWN else pdbs[place[1]])
        for place, principal in reading.principals.items()
        if (place[1] == OWN or place[1] in pdbs) and reading.home(*place) == place
    )


def _account(
    principal: Principal, parts: Mapping[str, Mapping[str, Any]], counts: Mapping[str, Any], *, host: str
) -> AccountSnapshot:
    return account(
        username=principal.name,
        host=host,
        kind=principal.kind,
        is_system=principal.is_system,
        is_superuser="SYSDBA" in parts.get(category_scope(ADMIN), {}).get(ADMIN, ()),
        is_locked=principal.is_locked,
        principal_id=principal.user_id,
        locked_until=principal.locked_until,
        password_expires_at=principal.password_expires_at,
        parts={SERVER: {}, **parts},
        type_specific=principal.attributes,
        observed=principal.observed,
        meta={"summarised": counts} if counts else {},
    )
