"""What is read beside the user table: one scope for each part that a monitoring account may or may not see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from dbms.base import Server
from dbms.mysql.answers import Answers
from dbms.mysql.connection import MARIADB
from dbms.mysql.facts import ROLES
from dbms.mysql.failures import ends_reading
from dbms.mysql.names import Identity
from dbms.mysql.principals import Principal
from dbms.mysql.privileges import DATABASES, GRANT_TABLES, PROXIES, ScopeRead, read_grants, read_proxies
from dbms.mysql.roles import GRANTED, MEMBERS, read_roles
from dbms.snapshots import Coverage, category_scope
from whalefall.errors import PrivilegeMissing, RemoteError, RemoteTimeout

Read = Callable[[Answers, Mapping[Identity, Principal], int], ScopeRead]
NO_SELECT = "no SELECT on {tables}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Tables that are read together, in either fork."""

    name: str
    tables: tuple[str, ...]
    mariadb_tables: tuple[str, ...]
    read: Read

    def tables_of(self, server: Server) -> tuple[str, ...]:
        """What has to be readable for it."""
        return self.mariadb_tables if server.fork == MARIADB else self.tables


SCOPES = (
    *(
        Scope(
            name=category_scope(table.category),
            tables=(table.table,),
            mariadb_tables=(table.table,),
            read=partial(lambda table, answers, _, cap: read_grants(answers, table, grant_row_cap=cap), table),
        )
        for table in GRANT_TABLES
    ),
    Scope(
        name=category_scope(PROXIES),
        tables=("mysql.proxies_priv",),
        mariadb_tables=("mysql.proxies_priv",),
        read=lambda answers, *_: read_proxies(answers),
    ),
    Scope(
        name=ROLES,
        tables=("mysql.role_edges", "mysql.default_roles"),
        mariadb_tables=("mysql.roles_mapping",),
        read=lambda answers, principals, _: read_roles(answers, principals),
    ),
)

# The scope of each category; those that are not named belong to the server's.
CATEGORY_SCOPES = {
    **{table.category: category_scope(table.category) for table in GRANT_TABLES},
    PROXIES: category_scope(PROXIES),
    GRANTED: ROLES,
    MEMBERS: ROLES,
}

# What of an account nobody knows while a scope was never read, see dbms.base.HiddenBy.
HIDDEN_BY = {
    category_scope(DATABASES): frozenset({"privileges.database", "escalation", "objects.database"}),
    category_scope("mysql_table_privileges"): frozenset({"objects.table"}),
    category_scope("mysql_column_privileges"): frozenset({"objects.column"}),
    category_scope("mysql_routine_privileges"): frozenset({"objects.routine"}),
    ROLES: frozenset({"roles", "capabilities.SUPERUSER", "capabilities.GRANT_ADMIN"}),
}


def read_scope(
    scope: Scope, answers: Answers, principals: Mapping[Identity, Principal], *, grant_row_cap: int
) -> tuple[Coverage, ScopeRead | None]:
    """What a scope yields, and how far it was read. Raises RemoteError when the connection is of no more use."""
    try:
        read = scope.read(answers, principals, grant_row_cap)
    except RemoteError as error:
        if ends_reading(error, answers.connection.target):
            raise
        return _unread(scope, answers.server, error), None
    return Coverage(scope=scope.name, status="ok", reason=read.reason, categories=read.categories), read


def _unread(scope: Scope, server: Server, error: RemoteError) -> Coverage:
    if isinstance(error, PrivilegeMissing):
        reason = NO_SELECT.format(tables=", ".join(scope.tables_of(server)))
        return Coverage(scope=scope.name, status="denied", reason=reason)
    detail = str(error.params["detail"] or error)[:200]
    return Coverage(scope=scope.name, status="timeout" if isinstance(error, RemoteTimeout) else "error", reason=detail)
