"""The transitions of a record that is being worked on. Each is one conditional UPDATE; none leaves a final state."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, CharField, F, Field, IntegerField, JSONField, QuerySet, Value, When
from django.db.models.functions import Now

from sessions_app.categories import ItemCounts
from sessions_app.clock import from_now
from sessions_app.fetches import ABORT_GRACE_SECONDS
from sessions_app.models import RecordStatus, SyncInstanceRecord
from whalefall.errors import WhaleFallError

NO_LEASE: dict[str, Any] = {"claim_token": None, "lease_expires_at": None}
NO_ERROR: dict[str, Any] = {"message_code": "", "reason": "", "error_params": {}}


class LeaseLost(Exception):
    """The record was cancelled or given to somebody else: whatever was read for it is dropped."""


def held(records: Sequence[SyncInstanceRecord]) -> QuerySet[SyncInstanceRecord]:
    """Those of the records that are still ours."""
    return SyncInstanceRecord.objects.filter(
        pk__in=[record.pk for record in records],
        claim_token__in={record.claim_token for record in records},
        status=RecordStatus.RUNNING,
    )


def hold(records: Sequence[SyncInstanceRecord]) -> None:
    """Renew the lease and lock the rows until the transaction ends. Raises LeaseLost unless all are ours."""
    mine = held(records)
    if len(records) > 1:  # in the order of their keys, as everywhere: an UPDATE alone takes them as they lie
        mine = mine.filter(pk__in=mine.select_for_update().order_by("pk"))
    if mine.update(lease_expires_at=from_now(settings.SYNC_LEASE_SECONDS)) != len(records):
        raise LeaseLost


def complete(records: Sequence[SyncInstanceRecord], counts: Mapping[int, ItemCounts]) -> None:
    """running → completed, or → skipped, inside the transaction that hold() began. `counts` by record id."""
    statuses = {pk: RecordStatus.SKIPPED if done.skipped else RecordStatus.COMPLETED for pk, done in counts.items()}
    updated = held(records).update(
        status=_each(statuses, CharField()),
        completed_at=Now(),
        slot_until=None,
        next_attempt_at=None,
        items_synced=_each({pk: done.synced for pk, done in counts.items()}, IntegerField()),
        items_created=_each({pk: done.created for pk, done in counts.items()}, IntegerField()),
        items_updated=_each({pk: done.updated for pk, done in counts.items()}, IntegerField()),
        items_deleted=_each({pk: done.deleted for pk, done in counts.items()}, IntegerField()),
        sync_details=_each({pk: {"version": 1, **done.details} for pk, done in counts.items()}, JSONField()),
        **NO_LEASE,
        **{**NO_ERROR, "reason": _each({pk: done.skipped for pk, done in counts.items()}, CharField())},
    )
    if updated != len(records):
        raise LeaseLost


def _each(values: Mapping[int, Any], field: Field[Any, Any]) -> Case | Value:
    """The value of each record by its id."""
    first, *others = values.values()
    if all(value == first for value in others):
        return Value(first, output_field=field)
    return Case(*(When(pk=pk, then=Value(value, output_field=field)) for pk, value in values.items()))


def fail(
    record: SyncInstanceRecord, error: WhaleFallError, *, keep_slot: bool = False, is_last: bool = False
) -> RecordStatus | None:
    """running → failed, or → pending when trying again may help. None when the record is no longer ours.

    `keep_slot` leaves the connection slot taken for as long as a fetch may take, for one that could not be ended;
    `is_last` says that this session tries no more.
    """
    what = {
        "message_code": error.message_code,
        "reason": error.reason,
        "error_params": {name: storable(value) for name, value in error.params.items()},
        **NO_LEASE,
        "slot_until": from_now(settings.SYNC_FETCH_SECONDS) if keep_slot else None,
    }
    tried = record.attempts - record.lost_count
    if error.transient and not is_last and tried < record.session.max_attempts:
        # The next connection of the record would take the slot of the one that could not be ended.
        wait = max(_backoff_seconds(tried), settings.SYNC_FETCH_SECONDS if keep_slot else 0)
        updated = held([record]).update(status=RecordStatus.PENDING, next_attempt_at=from_now(wait), **what)
        return RecordStatus.PENDING if updated else None
    updated = held([record]).update(
        status=RecordStatus.FAILED, completed_at=Now(), next_attempt_at=None, items_synced=0, **what
    )
    return RecordStatus.FAILED if updated else None


def _backoff_seconds(tried: int) -> float:
    """How long to wait after so many tries: four times as long each time up to a bound, never all at one moment."""
    wait: float = min(settings.SYNC_BACKOFF_SECONDS * 4 ** (tried - 1), settings.SYNC_BACKOFF_LIMIT_SECONDS)
    return wait * random.uniform(0.8, 1.2)


def release(record: SyncInstanceRecord, *, closing_seconds: float = ABORT_GRACE_SECONDS) -> bool:
    """running → pending, untouched: this process has no more time for it, another one goes on.

    `closing_seconds` is how long its connection may stay open.
    """
    return bool(
        held([record]).update(
            status=RecordStatus.PENDING,
            attempts=F("attempts") - 1,
            slot_until=from_now(closing_seconds),
            next_attempt_at=None,
            **NO_LEASE,
        )
    )


def skip(record: SyncInstanceRecord, reason: str, params: Mapping[str, Any] | None = None) -> bool:
    """running → skipped, for a reason of whalefall.errors.SKIP_TEXTS."""
    return bool(
        held([record]).update(
            status=RecordStatus.SKIPPED,
            completed_at=Now(),
            slot_until=None,
            message_code="",
            reason=reason,
            error_params=dict(params or {}),
            **NO_LEASE,
        )
    )


@transaction.atomic
def drop(pending: QuerySet[SyncInstanceRecord], reason: str, params: Mapping[str, Any] | None = None) -> int:
    """pending → skipped for all of a queryset; returns how many."""
    ids = pending.filter(status=RecordStatus.PENDING).order_by("pk").select_for_update(of=("self",))
    return SyncInstanceRecord.objects.filter(
        pk__in=list(ids.values_list("pk", flat=True)), status=RecordStatus.PENDING
    ).update(
        status=RecordStatus.SKIPPED,
        completed_at=Now(),
        next_attempt_at=None,
        message_code="",
        reason=reason,
        error_params=dict(params or {}),
    )


def free_slot(record: SyncInstanceRecord) -> None:
    """The connection of a cancelled record is closed: its host may be used again."""
    SyncInstanceRecord.objects.filter(pk=record.pk, status=RecordStatus.CANCELLED).update(slot_until=None)


def storable(value: Any) -> Any:
    """A parameter of an error as every database can store it: plain, short, without NUL."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value).encode("utf-8", "replace").decode().replace("\x00", "�")[:1000]
