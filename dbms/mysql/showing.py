"""Which of its global privileges let an account see that databases and tables exist."""

from __future__ import annotations

from collections.abc import Iterator

from dbms.mysql import access
from dbms.mysql.connection import MARIADB, Connection
from dbms.mysql.failures import ends_reading
from dbms.mysql.principals import version_of
from whalefall.errors import RemoteError

SHOW_DATABASES, SHOW_VIEW = "SHOW DATABASES", "SHOW VIEW"
# Any of them on *.* makes every table visible; SHOW VIEW is the one that opens no data.
SHOWING_TABLES = frozenset(
    {
        "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "CREATE VIEW",
        SHOW_VIEW, "TRIGGER",
    }
)  # fmt: skip
ENABLED_ROLES = (8, 0, 19)  # since when MySQL lists those of a session


def showing_privileges(connection: Connection) -> frozenset[str]:
    """What of SHOW DATABASES and SHOWING_TABLES the reading account has, itself or by roles of its session.

    Roles cost a second statement, only where the account's own privileges are not enough. Where it may not be answered
    they count as if there were none. Raises RemoteError.
    """
    held = {word for (word,) in connection.rows("own_privileges")}
    if not (SHOW_DATABASES in held and held & SHOWING_TABLES):
        held.update(_of_roles(connection))
    return frozenset(held & (SHOWING_TABLES | {SHOW_DATABASES}))


def _of_roles(connection: Connection) -> Iterator[str]:
    server = connection.server
    if server.fork != MARIADB and server.number < ENABLED_ROLES:
        return
    try:
        rows = connection.rows("role_privileges")
    except RemoteError as error:
        if ends_reading(error, connection.target):
            raise
        return
    for privileges, *written_by in rows:
        if server.fork == MARIADB:
            yield from access.words(int(privileges or 0) % 2**64, version_of(*written_by), server.number)
        else:
            yield from privileges.split(",")
