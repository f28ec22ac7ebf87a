"""What is stored of an instance's accounts, read by a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from accounts_sync.models import AccountPermission, InstanceAccount
from instances.models import Instance

# Columns that a server's catalogue says outright. They are settings: a change of one is a change of the account.
SETTINGS = (
    "kind",
    "is_system",
    "is_locked",
    "valid_until",
    "locked_until",
    "password_expires_at",
    "principal_id",
)
INCOMPARABLE = 0  # a reader_version that no adapter has
IDS_PER_STATEMENT = 10_000  # SQLite takes 250,000 parameters at most, many builds 32,766

Key = tuple[str, str, bool]


class StoredAccount(NamedTuple):
    """What is stored of an account, without its documents. `fingerprint` is None when it has no permission row.

    A row as the query yields it: made by the thousand for every read, so a tuple and not a dataclass.
    """

    id: int
    username: str
    host: str
    is_role: bool
    is_active: bool
    is_superuser: bool
    kind: str
    is_system: bool
    is_locked: bool
    valid_until: datetime | None
    locked_until: datetime | None
    password_expires_at: datetime | None
    principal_id: str
    last_changed_at: datetime
    fingerprint: str | None
    scope_digests: dict[str, str] | None
    owned_digest: str | None
    reach_digest: str | None
    reader_version: int | None
    facts_version: int | None
    last_change_type: str | None
    last_change_time: datetime | None

    @property
    def key(self) -> Key:
        """The identity within an instance."""
        return (self.username, self.host, self.is_role)

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each stored scope."""
        return self.scope_digests or {}


PERMISSION_COLUMNS = frozenset(
    {
        "fingerprint", "scope_digests", "owned_digest", "reach_digest", "reader_version", "facts_version",
        "last_change_type", "last_change_time",
    }
)  # fmt: skip


def stored_accounts(instance: Instance) -> dict[Key, StoredAccount]:
    """Every account of an instance, by one query that leaves the documents where they are."""
    columns = [f"permission__{name}" if name in PERMISSION_COLUMNS else name for name in StoredAccount._fields]
    rows = InstanceAccount.objects.filter(instance=instance).values_list(*columns)
    return {account.key: account for account in map(StoredAccount._make, rows)}


def stored_documents(ids: Sequence[int], *, facts: bool) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    """{account id: (permission_snapshot, permission_facts)}; the facts are empty unless asked for."""
    columns = ("account_id", "permission_snapshot", *(("permission_facts",) if facts else ()))
    found = {}
    for some in batches(ids):
        for pk, snapshot, *rest in AccountPermission.objects.filter(account_id__in=some).values_list(*columns):
            found[pk] = (snapshot, rest[0] if rest else {})
    return found


def batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """As many ids as one statement may hold, at a time."""
    for start in range(0, len(ids), IDS_PER_STATEMENT):
        yield ids[start : start + IDS_PER_STATEMENT]
