"""What `python -m dbms` prints: one JSON document, or tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from dbms.base import Adapter
from dbms.sizes import CapacitySnapshot, TableSize
from dbms.snapshots import AccountSnapshot, AccountsSnapshot, document

UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def accounts_as_json(snapshot: AccountsSnapshot) -> dict[str, Any]:
    """The document of all accounts."""
    return {
        **_head_as_json(snapshot),
        "accounts": [
            {
                "username": account.username,
                "host": account.host,
                "kind": account.kind,
                "is_system": account.is_system,
                "is_superuser": account.is_superuser,
                "is_locked": account.is_locked,
                "snapshot": document(account),
            }
            for account in snapshot.accounts
        ],
    }


def accounts_as_text(snapshot: AccountsSnapshot, adapter: Adapter) -> Iterable[str]:
    """A table of all accounts."""
    yield from _head_as_text(snapshot)
    reached = adapter.reach(snapshot.accounts)
    yield from _table(
        ("ACCOUNT", "KIND", "SUPERUSER", "LOCKED", "GRANTS", "ROLES"),
        [
            (
                _shown(f"{account.username}@{account.host}" if account.host else account.username),
                f"{account.kind} (system)" if account.is_system else account.kind,
                "yes" if account.is_superuser or "SUPERUSER" in reached[account.key].capability_reasons else "",
                "yes" if account.is_locked else "",
                str(_count(account)),
                ", ".join(_shown(role) for role in reached[account.key].roles),
            )
            for account in sorted(snapshot.accounts, key=lambda account: (account.is_system, account.username))
        ],
    )


def capacity_as_json(snapshot: CapacitySnapshot) -> dict[str, Any]:
    """The document of all databases and parts, in bytes."""
    return {
        **_head_as_json(snapshot),
        "databases": [asdict(database) for database in snapshot.databases],
        "parts": [asdict(part) for part in snapshot.parts],
    }


def capacity_as_text(snapshot: CapacitySnapshot, _adapter: Adapter) -> Iterable[str]:
    """Tables of databases and parts, the largest first."""
    yield from _head_as_text(snapshot)
    yield from _table(
        ("DATABASE", "SIZE", "LOG", "METHOD"),
        [
            (
                _shown(database.name) + (" (system)" if database.is_system else ""),
                _bytes(database.size_bytes),
                _bytes(database.log_size_bytes),
                f"{database.method} (estimate)" if database.is_estimate else database.method,
            )
            for database in sorted(
                snapshot.databases, key=lambda database: (-(database.size_bytes or 0), database.name)
            )
        ],
    )
    if snapshot.parts:
        yield ""
        yield from _table(
            ("PART", "KIND", "DATABASE", "SIZE", "USED", "MAXIMUM"),
            [
                (
                    _shown(part.name),
                    part.kind,
                    _shown(part.database),
                    *map(_bytes, (part.size_bytes, part.used_bytes, part.max_bytes)),
                )
                for part in sorted(snapshot.parts, key=lambda part: (-part.size_bytes, part.name))
            ],
        )


def tables_as_json(tables: Sequence[TableSize]) -> dict[str, Any]:
    """The document of a database's tables, in bytes."""
    return {"tables": [asdict(table) for table in tables]}


def tables_as_text(tables: Sequence[TableSize], _adapter: Adapter) -> Iterable[str]:
    """One line for each table."""
    yield from _table(
        ("SCHEMA", "TABLE", "SIZE", "DATA", "INDEXES", "ROWS"),
        [
            (
                _shown(table.schema),
                _shown(table.name),
                *map(_bytes, (table.size_bytes, table.data_size_bytes, table.index_size_bytes)),
                "" if table.row_estimate is None else f"{table.row_estimate:,}",
            )
            for table in tables
        ],
    )


def _head_as_json(snapshot: AccountsSnapshot | CapacitySnapshot) -> dict[str, Any]:
    return {
        "server": {
            "db_type": snapshot.db_type,
            "version": snapshot.version,
            "main_version": snapshot.main_version,
        },
        "coverage": [
            {"scope": coverage.scope, "status": coverage.status, "reason": coverage.reason}
            for coverage in snapshot.coverage
        ],
    }


def _head_as_text(snapshot: AccountsSnapshot | CapacitySnapshot) -> Iterable[str]:
    yield snapshot.version
    yield ""
    yield from _table(
        ("SCOPE", "STATUS", "REASON"),
        [(_shown(part.scope), part.status, _shown(part.reason)) for part in snapshot.coverage],
    )
    yield ""


def _bytes(number: int | None) -> str:
    """A size in the unit that suits it; empty when it is not known."""
    if number is None:
        return ""
    size, unit = float(number), "B"
    for larger in UNITS:
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{number} B" if unit == "B" else f"{size:.1f} {unit}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _shown(name: str) -> str:
    """A name in one line, whatever it holds: no name may forge a second line or send codes to a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)


def _count(account: AccountSnapshot) -> int:
    """How many privileges were granted to the account itself."""
    return sum(_privileges(value) for part in account.parts.values() for key, value in part.items() if "priv" in key)


def _privileges(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_privileges(held) for held in value.values())
    return len(value) if isinstance(value, list) else 0
