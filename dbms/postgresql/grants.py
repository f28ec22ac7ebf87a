"""What a monitoring account lacks, as statements. It is only ever CONNECT: catalogues are readable by everybody."""

from __future__ import annotations

from dbms.snapshots import AccountsSnapshot, database_scope

NO_CONNECT = "no CONNECT privilege"

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
    denied = [
        part.scope.removeprefix(database_scope(""))
        for part in snapshot.coverage
        if part.status == "denied" and part.reason == NO_CONNECT
    ]
    return tuple(connect_grant(name, username) for name in denied if PROVIDER_DATABASES.get(name) not in owners)


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
