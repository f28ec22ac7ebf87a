"""What a sync category provides. The engine knows nothing else about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from dbms.base import Interrupt, Target
from instances.models import Instance
from whalefall.errors import UnknownCategory


class Snapshot(Protocol):
    """What a fetch returns: a frozen value."""

    @property
    def is_known(self) -> bool:
        """Whether it only says that everything it could say is stored already."""

    @property
    def size_bytes(self) -> int:
        """About what storing it takes."""


SnapshotT = TypeVar("SnapshotT", bound=Snapshot)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCounts:
    """What an apply did. `details` goes into the record's sync_details, `instance` into the instance's own columns.

    `skipped` is a reason of whalefall.errors.SKIP_TEXTS when there was nothing to do: the record ends as skipped.
    """

    synced: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    instance: Mapping[str, Any] = field(default_factory=dict)
    skipped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Which record an apply works for.

    `started_at` is when its session began, `began_at` when reading the instance, or the local work, did.
    """

    session_pk: int
    session_id: UUID
    record_pk: int
    started_at: datetime
    began_at: datetime
    parameters: Mapping[str, Any]
    read_digest: str = ""  # what the coverage ledger has of the instance's last read


class Read(NamedTuple, Generic[SnapshotT]):
    """What was read of an instance for a record."""

    instance: Instance
    snapshot: SnapshotT
    run: Run


class Described(ABC):
    """How pages and summaries speak of a category."""

    key: ClassVar[str]  # stored in SyncSession.sync_category
    label: ClassVar[str]  # "accounts"
    can_force: ClassVar[bool] = False  # whether it refuses some reads unless forced

    def metrics(self, totals: ItemCounts, session_pk: int) -> dict[str, int]:
        """What a session's summary says of its completed records."""
        return {
            "items_synced": totals.synced,
            "items_created": totals.created,
            "items_updated": totals.updated,
            "items_deleted": totals.deleted,
        }

    def amount(self, details: Mapping[str, Any]) -> str:
        """What a completed record read, in a word that says more than a number of items; empty when none does."""
        return ""

    def summary(self, session_pk: int) -> dict[str, Any]:
        """What a session's summary says beside metrics and errors."""
        return {}

    def remarks(self, summary: Mapping[str, Any]) -> list[str]:
        """What whoever looks at an ended session should know beside its failures, from its summary."""
        return []

    def conclude(self) -> None:  # noqa: B027 - most have nothing to do
        """What is to be done once a session of it has ended; the session's end does not wait for it to succeed."""


class SyncCategory(Described, Generic[SnapshotT]):
    """Reads a remote server in a thread and writes what was read in one transaction."""

    is_local: ClassVar[bool] = False
    is_heavy: ClassVar[bool] = True  # whether the size of what it reads says what to expect of the next read

    def target(self, instance: Instance, interrupt: Interrupt, run: Run) -> Target:
        """What fetch() may know. Called in the main thread, so it may decrypt and query."""
        return instance.target(interrupt=interrupt)

    @abstractmethod
    def fetch(self, target: Target) -> SnapshotT:
        """Read the remote server. Runs in a thread that cannot reach our database."""

    @abstractmethod
    def apply(self, instance: Instance, snapshot: SnapshotT, run: Run) -> ItemCounts:
        """Write what was read. Runs in the transaction that also completes the record."""

    def apply_together(self, reads: Sequence[Read[SnapshotT]]) -> Mapping[int, ItemCounts]:
        """Write small reads of one session together, in the transaction that also completes their records.

        Counts by instance id. Raises what apply() raises, for whichever of them.
        """
        return {read.instance.pk: self.apply(*read) for read in reads}

    def confirm(self, reads: Sequence[Read[SnapshotT]]) -> Mapping[int, ItemCounts]:
        """Apply known snapshots of one session together, in the transaction that also completes their records.

        Counts by instance id.
        """
        return {read.instance.pk: self.apply(*read) for read in reads}


class LocalCategory(Described):
    """Works on our own database only, on a chunk of instances in one transaction."""

    is_local: ClassVar[bool] = True
    chunk_size: ClassVar[int]

    @abstractmethod
    def apply_many(self, instances: Sequence[Instance], run: Run) -> Mapping[int, ItemCounts]:
        """Do the work of a chunk by a fixed number of statements; counts by instance id."""


Category = SyncCategory[Any] | LocalCategory


@cache
def _table(paths: tuple[str, ...]) -> dict[str, Category]:
    loaded = [import_string(path)() for path in paths]
    return {category.key: category for category in loaded}


def table() -> dict[str, Category]:
    """Every category of settings.SYNC_CATEGORIES by its key."""
    return _table(tuple(settings.SYNC_CATEGORIES))


def get(key: str) -> Category:
    """The category of a key. Raises UnknownCategory."""
    try:
        return table()[key]
    except KeyError:
        raise UnknownCategory(category=key, known=", ".join(table())) from None


def remote(key: str) -> SyncCategory[Any]:
    """A category that fetches. Raises UnknownCategory."""
    category = get(key)
    if not isinstance(category, SyncCategory):
        raise UnknownCategory(category=key, known=", ".join(table()))
    return category


def local(key: str) -> LocalCategory:
    """A category that works on our own database. Raises UnknownCategory."""
    category = get(key)
    if not isinstance(category, LocalCategory):
        raise UnknownCategory(category=key, known=", ".join(table()))
    return category
