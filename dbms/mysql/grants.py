"""What a monitoring account lacks, as statements: SELECT on grant tables, and to see every database and its size."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dbms.mysql.names import quoted
from dbms.sizes import CapacitySnapshot
from dbms.snapshots import DATABASE_LIST, SERVER, AccountsSnapshot

TABLE = re.compile(r"mysql\.\w+")
NO_PROCESS = "no PROCESS privilege"
# At the server's scope, when something may be hidden from the account that read, or was only estimated.
LACKS = "without {privileges} databases or tables may be hidden, or sizes be estimates"
LACKING = re.compile(re.escape(LACKS).replace(r"\{privileges\}", "(.+)"))


def grants(snapshot: AccountsSnapshot, username: str) -> tuple[str, ...]:
    """The statements, without semicolon, after which the account that read can read everything."""
    account = snapshot.reader or quoted(username)
    denied = [table for part in snapshot.coverage if part.status == "denied" for table in TABLE.findall(part.reason)]
    sees_all = any(part.scope == SERVER and DATABASE_LIST in part.categories for part in snapshot.coverage)
    return (*select_on(denied, account), *(() if sees_all else (f"GRANT SHOW DATABASES ON *.* TO {account}",)))


def select_on(tables: Iterable[str], account: str) -> tuple[str, ...]:
    """What lets an account, quoted, read grant tables."""
    return tuple(f"GRANT SELECT ON {table} TO {account}" for table in tables)


def capacity_grants(snapshot: CapacitySnapshot, username: str) -> tuple[str, ...]:
    """The statements, without semicolon, after which the account that read sees the size of every database."""
    account = snapshot.reader or quoted(username)
    lacking = [found[1] for part in snapshot.coverage if (found := LACKING.fullmatch(part.reason))]
    return tuple(f"GRANT {word} ON *.* TO {account}" for words in lacking for word in words.split(", "))
