"""What a monitoring account lacks, as statements: SELECT on grant tables, and to see every database."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dbms.mysql.names import quoted
from dbms.snapshots import DATABASE_LIST, SERVER, AccountsSnapshot

TABLE = re.compile(r"mysql\.\w+")


def grants(snapshot: AccountsSnapshot, username: str) -> tuple[str, ...]:
    """The statements, without semicolon, after which the account that read can read everything."""
    account = snapshot.reader or quoted(username)
    denied = [table for part in snapshot.coverage if part.status == "denied" for table in TABLE.findall(part.reason)]
    sees_all = any(part.scope == SERVER and DATABASE_LIST in part.categories for part in snapshot.coverage)
    return (*select_on(denied, account), *(() if sees_all else (f"GRANT SHOW DATABASES ON *.* TO {account}",)))


def select_on(tables: Iterable[str], account: str) -> tuple[str, ...]:
    """What lets an account, quoted, read grant tables."""
    return tuple(f"GRANT SELECT ON {table} TO {account}" for table in tables)
