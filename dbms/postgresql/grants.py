"""What a monitoring account lacks, as statements: CONNECT, since catalogues are readable by everybody, and sizes."""

from __future__ import annotations

from collections.abc import Iterable

from dbms.sizes import CapacitySnapshot
from dbms.snapshots import SERVER, AccountsSnapshot, Coverage, database_scope

NO_CONNECT = "no CONNECT privilege"
NO_SIZE = "neither pg_read_all_stats nor CONNECT"
TABLESPACES_DENIED = "without pg_read_all_stats some tablespaces are left out"

# {database: bootstrap superuser} of cloud providers who let nobody else in: no grant is possible there.
PROVIDER_DATABASES = {
    "rdsadmin": "rdsadmin",
    "cloudsqladmin": "cloudsqladmin",
    "alloydbadmin": "alloydbadmin",
    "azure_maintenance": "azuresu",
}
BOOTSTRAP_SUPERUSER = "10"


def grants(snapshot: AccountsSnapshot, username: str) -> tuple[str, ...]:
    """The statements, without semicolon, after which this account can read all of the server that can be read."""
    owners = {account.username for account in snapshot.accounts if account.principal_id == BOOTSTRAP_SUPERUSER}
    denied = _denied(snapshot.coverage, NO_CONNECT)
    return tuple(connect_grant(name, username) for name in denied if PROVIDER_DATABASES.get(name) not in owners)


def capacity_grants(snapshot: CapacitySnapshot, username: str) -> tuple[str, ...]:
    """The statements, without semicolon, after which this account can read every size; before 10 not of tablespaces."""
    denied = _denied(snapshot.coverage, NO_SIZE)
    generation = int(snapshot.main_version.split(".")[0])
    if generation < 10:
        return tuple(connect_grant(name, username) for name in denied if name not in PROVIDER_DATABASES)
    if not denied and not any(part.scope == SERVER and part.reason == TABLESPACES_DENIED for part in snapshot.coverage):
        return ()
    inherited = " WITH INHERIT TRUE" if generation >= 16 else ""  # whatever the login does by default
    return (f"GRANT pg_read_all_stats TO {quoted(username)}{inherited}",)


def _denied(coverage: Iterable[Coverage], reason: str) -> list[str]:
    """The databases that were denied for a reason."""
    return [
        part.scope.removeprefix(database_scope(""))
        for part in coverage
        if part.status == "denied" and part.reason == reason
    ]


def connect_grant(database: str, username: str) -> str:
    """What lets an account into a database."""
    return f"GRANT CONNECT ON DATABASE {quoted(database)} TO {quoted(username)}"


def quoted(name: str) -> str:
    """A name as a quoted identifier in one line: what a terminal would act on becomes an escape of U&"…"."""
    if name.isprintable():
        return '"' + name.replace('"', '""') + '"'
    return 'U&"' + "".join(map(_escaped, name)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return char * 2
    return char if char.isprintable() else f"\\+{ord(char):06X}"
