"""What a monitoring account lacks, as statements: SELECT on views, and to see every container."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dbms.oracle.containers import NO_PDB_LIST, NOT_VISIBLE
from dbms.oracle.names import account_name, quoted
from dbms.sizes import CapacitySnapshot
from dbms.snapshots import AccountsSnapshot

UNREADABLE = re.compile(r"no SELECT on (.+)")


def grants(snapshot: AccountsSnapshot | CapacitySnapshot, username: str) -> tuple[str, ...]:
    """The statements, without semicolon, after which the account that read can read everything of that kind.

    They are for SYS, in the container that the account logs in to.
    """
    account = snapshot.reader or quoted(account_name(username))
    reasons = [part.reason for part in snapshot.coverage]
    views = [view for reason in reasons for found in UNREADABLE.findall(reason) for view in found.split(", ")]
    statements = select_on(dict.fromkeys(views), account)
    if NO_PDB_LIST in reasons or NOT_VISIBLE in reasons:
        statements += (f"ALTER USER {account} SET CONTAINER_DATA=ALL CONTAINER=CURRENT",)
    return statements


def select_on(views: Iterable[str], account: str) -> tuple[str, ...]:
    """What lets an account, quoted, read views of the data dictionary."""
    return tuple(f"GRANT SELECT ON {view} TO {account}" for view in views)
