"""The words that PostgreSQL grants by ("Privileges" and "Role Attributes" in its documentation)."""

from __future__ import annotations

from dbms.catalogue import words

CATALOGUE = {
    "capability": frozenset(
        {"can_super", "can_create_role", "can_create_db", "can_replicate", "can_bypass_rls", "can_login", "can_inherit"}
    ),
    "server": words("SET, ALTER SYSTEM"),  # on a parameter
    "database": words("CREATE, CONNECT, TEMPORARY"),
    "tablespace": words("CREATE"),
    "object": words(
        "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER, MAINTAIN, USAGE, CREATE, EXECUTE, SET,"
        "ALTER SYSTEM"
    ),
}
