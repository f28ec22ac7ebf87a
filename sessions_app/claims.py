"""Takes pending records for this process: short, serialised, several at once."""

from __future__ import annotations

import math
import os
import socket
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Value, Window
from django.db.models.functions import Coalesce, Now, RowNumber
from django.utils import timezone

from dbms.snapshots import SERVER
from instances.models import Instance
from sessions_app import categories, heartbeats, records
from sessions_app.categories import Run
from sessions_app.clock import from_now
from sessions_app.fetches import ABORT_GRACE_SECONDS
from sessions_app.models import InstanceCoverage, RecordStatus, SessionStatus, SyncInstanceRecord, SyncSession

ADVISORY_LOCK = 0x5748414C  # serialises claims on PostgreSQL; SQLite's IMMEDIATE transactions do by themselves
UNKNOWN_SNAPSHOT_BYTES = 4 * 1024 * 1024
SUSPECT_LOSSES = 2  # a record that was lost this often is worked on alone


def worker_name() -> str:
    """Which process works, for people; nothing depends on it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claimable(session: SyncSession | None = None) -> QuerySet[SyncInstanceRecord]:
    """Pending records whose time has come."""
    due = SyncInstanceRecord.objects.filter(
        Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=Now()),
        status=RecordStatus.PENDING,
        session__status=SessionStatus.RUNNING,
    )
    return due if session is None else due.filter(session=session)


class Claim(NamedTuple):
    """What was claimed, and whether nothing was left that could be claimed as soon as something ends."""

    records: list[SyncInstanceRecord]
    is_everything: bool


def claim_fetches(*, limit: int, free_bytes: int, idle: bool, session: SyncSession | None = None) -> Claim:
    """Up to `limit` records to fetch, pending → running: by priority, then round-robin by session.

    `free_bytes` is what may still be read into memory; an `idle` process may always take one record, and it alone
    may take a suspect.
    """
    remote = [category.key for category in categories.table().values() if not category.is_local]
    if session is not None and session.sync_category not in remote:
        return Claim([], is_everything=True)
    with transaction.atomic(durable=True):
        _serialise()
        hosts, sessions = _open_connections()
        per_session = settings.SYNC_PER_SESSION or math.inf
        busy = [host for host, number in hosts.items() if number >= settings.SYNC_PER_HOST]
        full = [pk for pk, number in sessions.items() if number >= per_session]
        candidates = (
            claimable(session)
            .filter(sync_category__in=remote)
            .exclude(host_key__in=busy)
            .exclude(session__in=full)
            .annotate(place=Window(RowNumber(), partition_by=F("session_id"), order_by=F("pk").asc()))
            .annotate(expected_bytes=Coalesce("instance__snapshot_bytes", UNKNOWN_SNAPSHOT_BYTES))
            .filter(place__lte=limit * settings.SYNC_PER_HOST)
            .order_by("session__priority", "place", "session_id")
        )
        if not idle:
            candidates = candidates.exclude(lost_count__gte=SUSPECT_LOSSES)
        chosen: list[int] = []
        is_everything = not busy and not full
        columns = ("pk", "session_id", "host_key", "lost_count", "expected_bytes")
        for pk, of_session, host, lost, expected in candidates.values_list(*columns):
            if len(chosen) == limit or (expected > free_bytes and not (idle and not chosen)):
                is_everything = False
                break
            if hosts[host] >= settings.SYNC_PER_HOST or sessions[of_session] >= per_session:
                is_everything = False
                continue
            if lost >= SUSPECT_LOSSES:
                is_everything = False
                if chosen:
                    continue
                chosen.append(pk)
                break
            chosen.append(pk)
            hosts[host] += 1
            sessions[of_session] += 1
            free_bytes -= expected
        taken = _take(chosen, slot_seconds=settings.SYNC_FETCH_SECONDS + ABORT_GRACE_SECONDS)
        _show_life(taken, session)
        return Claim(taken, is_everything and len(chosen) < limit)


def claim_chunk(session: SyncSession | None = None) -> list[SyncInstanceRecord]:
    """A chunk of one session of local work, pending → running; empty when there is none."""
    local = {key: category for key, category in categories.table().items() if category.is_local}
    candidates = claimable(session).filter(sync_category__in=list(local))
    # Most often there is none, and whoever claims holds up all others.
    if (session is not None and session.sync_category not in local) or not candidates.exists():
        return []
    with transaction.atomic(durable=True):
        _serialise()
        first = candidates.order_by("session__priority", "session_id", "pk").first()
        if first is None:
            return []
        size = 1 if first.lost_count >= SUSPECT_LOSSES else local[first.sync_category].chunk_size  # type: ignore[union-attr]
        chunk = candidates.filter(session=first.session_id).order_by("pk")
        if size > 1:
            chunk = chunk.filter(lost_count__lt=SUSPECT_LOSSES)
        taken = _take(list(chunk.values_list("pk", flat=True)[:size]), slot_seconds=None)
        _show_life(taken, session)
        return taken


def instance_of(record: SyncInstanceRecord) -> Instance:
    """The instance of a claimed record: one without is never claimed."""
    return cast(Instance, record.instance)


def run_of(record: SyncInstanceRecord, began_at: datetime | None = None) -> Run:
    """What a category may know of a claimed record; the work began now unless `began_at` says when."""
    session = record.session
    return Run(
        session_pk=session.pk,
        session_id=session.session_id,
        record_pk=record.pk,
        began_at=began_at or timezone.now(),
        parameters=session.parameters,
        started_at=session.started_at,
        read_digest=getattr(record, "read_digest", ""),  # annotated by the claim
    )


def waiting() -> QuerySet[SyncInstanceRecord]:
    """Claimable records whose host has room, if they need one: what an idle worker would take."""
    local = [category.key for category in categories.table().values() if category.is_local]
    busy = (
        SyncInstanceRecord.objects.filter(slot_until__gt=Now())
        .values("host_key")
        .annotate(number=Count("pk"))
        .filter(number__gte=settings.SYNC_PER_HOST)
    )
    return claimable().filter(~Q(host_key__in=busy.values("host_key")) | Q(sync_category__in=local))


def _serialise() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])


def _show_life(taken: list[SyncInstanceRecord], session: SyncSession | None) -> None:
    """Only a worker takes from every session; whoever works on its own session says nothing about the workers."""
    if taken and session is None:
        heartbeats.beat(heartbeats.CLAIM)


def _open_connections() -> tuple[Counter[str], Counter[int]]:
    """Connections by host and by session.

    On its host an abandoned one counts, too: whatever the status, until its deadline. To its session it is no more.
    """
    taken = SyncInstanceRecord.objects.filter(slot_until__gt=Now()).values_list("host_key", "session_id", "status")
    open_slots = list(taken)
    return (
        Counter(host for host, _session, _status in open_slots),
        Counter(session for _host, session, status in open_slots if status == RecordStatus.RUNNING),
    )


def _take(chosen: Sequence[int], *, slot_seconds: float | None) -> list[SyncInstanceRecord]:
    """Claim the chosen records; those whose instance is gone meanwhile are dropped instead."""
    if not chosen:
        return []
    # Locked in the order of their keys, as everywhere, so that claims, cancels and sweeps never wait in a circle.
    digests = InstanceCoverage.objects.filter(
        instance=OuterRef("instance"), sync_category=OuterRef("sync_category"), scope=SERVER
    ).values("read_digest")
    locked = list(
        SyncInstanceRecord.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(pk__in=chosen, status=RecordStatus.PENDING)
        .select_related("session", "instance__credential")
        .annotate(read_digest=Coalesce(Subquery(digests), Value("")))
        .order_by("pk")
    )  # fmt: skip
    usable = [record for record in locked if _is_present(record)]
    if len(usable) < len(locked):
        gone = [record.pk for record in locked if not _is_present(record)]
        records.drop(SyncInstanceRecord.objects.filter(pk__in=gone), "instance_disabled")
    if not usable:
        return []
    token, worker = uuid.uuid4(), worker_name()
    SyncInstanceRecord.objects.filter(pk__in=[record.pk for record in usable], status=RecordStatus.PENDING).update(
        status=RecordStatus.RUNNING,
        claim_token=token,
        lease_expires_at=from_now(settings.SYNC_LEASE_SECONDS),
        slot_until=None if slot_seconds is None else from_now(slot_seconds),
        worker=worker,
        attempts=F("attempts") + 1,  # before any work, so that a record that kills its worker is counted
        started_at=Coalesce("started_at", Now()),
        next_attempt_at=None,
    )
    for record in usable:
        record.status, record.claim_token, record.attempts = RecordStatus.RUNNING, token, record.attempts + 1
    order = {pk: place for place, pk in enumerate(chosen)}
    return sorted(usable, key=lambda record: order[record.pk])


def _is_present(record: SyncInstanceRecord) -> bool:
    return record.instance is not None and record.instance.is_active and record.instance.deleted_at is None
