"""The bits of MariaDB's `global_priv.Priv.access`, as words.

Bits and the meaning of those that older versions wrote: sql/privilege.h and User_table_json::adjust_access in
sql/sql_acl.cc of the server's source.
"""

from __future__ import annotations

from functools import lru_cache

Version = tuple[int, ...]

# The word of bit 0, 1, 2, …, and since which version the server knows the bit; everything before came long ago.
BITS = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "RELOAD", "SHUTDOWN", "PROCESS", "FILE", "GRANT OPTION",
    "REFERENCES", "INDEX", "ALTER", "SHOW DATABASES", "SUPER", "CREATE TEMPORARY TABLES", "LOCK TABLES", "EXECUTE",
    "REPLICATION SLAVE", "BINLOG MONITOR", "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE",
    "CREATE USER", "EVENT", "TRIGGER", "CREATE TABLESPACE", "DELETE HISTORY", "SET USER", "FEDERATED ADMIN",
    "CONNECTION ADMIN", "READ_ONLY ADMIN", "REPLICATION SLAVE ADMIN", "REPLICATION MASTER ADMIN", "BINLOG ADMIN",
    "BINLOG REPLAY", "SLAVE MONITOR", "SHOW CREATE ROUTINE",
)  # fmt: skip
SINCE = {"SET USER": (10, 5, 2), "SLAVE MONITOR": (10, 5, 8), "SHOW CREATE ROUTINE": (11, 3, 1)}
BEFORE_10_5_2 = {"BINLOG MONITOR": "REPLICATION CLIENT"}  # renamed

ALL = 2**64 - 1  # as the installation writes it for root
SPLIT_FROM_SUPER = frozenset(
    {
        "SET USER", "FEDERATED ADMIN", "CONNECTION ADMIN", "READ_ONLY ADMIN", "REPLICATION SLAVE ADMIN",
        "BINLOG ADMIN", "BINLOG REPLAY",
    }
)  # fmt: skip
# Until 11.0 SUPER went on to include these; READ_ONLY ADMIN only until 10.11.
IN_SUPER_BEFORE_11 = SPLIT_FROM_SUPER - {"READ_ONLY ADMIN"} | {
    "BINLOG MONITOR", "REPLICATION MASTER ADMIN", "SLAVE MONITOR",
}  # fmt: skip


@lru_cache(maxsize=1024)
def words(access: int, written_by: Version, server: Version) -> tuple[str, ...]:
    """The global privileges of an account on a server, written there by that server or by an older one.

    `written_by` is empty when the row does not say it: then a server before 10.5.2 wrote it.
    """
    known = _known(server)
    if access == ALL:
        held = set(known)
    elif access >> len(_known(written_by)):  # bits that its writer did not have: the server takes none of them
        held = set()
    else:
        held = {word for bit, word in enumerate(known) if access >> bit & 1}
        held |= _added(held, written_by, server) & set(known)
    if server < (10, 5, 2):
        held = {BEFORE_10_5_2.get(word, word) for word in held}
    return tuple(sorted(held))


def _known(server: Version) -> tuple[str, ...]:
    """The words that a version of the server has."""
    end = next((BITS.index(word) for word, since in SINCE.items() if server < since), len(BITS))
    return BITS[:end]


def _added(held: set[str], written_by: Version, server: Version) -> set[str]:
    """What a server adds to a row of an older one, so that nobody loses a right by the upgrade."""
    added: set[str] = set()
    if written_by < (10, 5, 2) <= server:
        if "SUPER" in held:
            added |= SPLIT_FROM_SUPER
            if "REPLICATION SLAVE" in held:
                added |= {"REPLICATION MASTER ADMIN"}
        if held & {"BINLOG MONITOR", "REPLICATION SLAVE"}:
            added |= {"SLAVE MONITOR"}
    elif written_by < (10, 5, 9) and "REPLICATION SLAVE ADMIN" in held:
        added |= {"SLAVE MONITOR"}
    if "SUPER" in held:
        if written_by < (10, 11) <= server:
            added |= {"READ_ONLY ADMIN"}
        if written_by < (11, 0) <= server:
            added |= IN_SUPER_BEFORE_11
    return added
