"""Deletes what is old: oldest first, a bounded number of rows in one transaction, within a bounded time."""

from __future__ import annotations

import math
import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, QuerySet
from django_q.models import Task

from sessions_app.models import SyncInstanceRecord, SyncSession

BATCH = 2_000  # rows
SESSIONS = 100  # whose records are looked for together


def purge_rows(old: QuerySet[Any], *, dry_run: bool = False, until: float = math.inf) -> int:
    """Delete rows in the order of the queryset, and begin no batch after `until` (monotonic). Returns how many."""
    if dry_run:
        return old.count()
    purged = 0
    while time.monotonic() < until and (keys := list(old.values_list("pk", flat=True)[:BATCH])):
        purged += _delete(old.model, keys)
    return purged


def purge_sessions(before: datetime, *, dry_run: bool = False, until: float = math.inf) -> int:
    """Delete the sessions that ended before a time, with their records. Returns how many sessions.

    What a row of settings.RETENTION_CITED_BY leads to stays as long as that row: a change knows its session.
    """
    old = SyncSession.objects.filter(completed_at__lt=before)  # a running one has not ended, by constraint
    uncited = {f"{relation}__isnull": True for relation in settings.RETENTION_CITED_BY}
    if dry_run:
        return old.filter(**uncited).count()
    purged = 0
    oldest = list(old.order_by("completed_at").values_list("pk", flat=True))
    for start in range(0, len(oldest), SESSIONS):
        if time.monotonic() >= until:
            break
        some = oldest[start : start + SESSIONS]
        records = SyncInstanceRecord.objects.filter(session__in=some)
        purge_rows(records.filter(**uncited).order_by("session", "pk"), until=until)
        empty = SyncSession.objects.filter(~Exists(records.filter(session=OuterRef("pk"))), pk__in=some, **uncited)
        purged += _delete(SyncSession, list(empty.values_list("pk", flat=True)))
    return purged


def purge_queue_results(before: datetime, *, dry_run: bool = False, until: float = math.inf) -> int:
    """Delete what django-q2 kept of tasks that ended before a time, failures included. Returns how many."""
    return purge_rows(Task.objects.filter(stopped__lt=before).order_by("stopped"), dry_run=dry_run, until=until)


def _delete(model: type[Model], keys: list[Any]) -> int:
    return model._base_manager.filter(pk__in=keys).delete()[1].get(model._meta.label, 0)
