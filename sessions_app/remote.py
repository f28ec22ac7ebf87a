"""Fetched work: what was read of an instance is written in the transaction that also completes its record."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from instances.breaker import CLOSED
from instances.models import Instance
from instances.services import NOT_REJECTED
from sessions_app import records
from sessions_app.categories import ItemCounts, Read, SyncCategory
from sessions_app.claims import instance_of, run_of
from sessions_app.fetches import Fetch
from whalefall.errors import TaskExecutionFailed


def together(ended: Iterable[Fetch]) -> list[list[Fetch]]:
    """Fetches that ended, in parts to write at once: of a session the known ones, the light ones, any other alone."""
    groups: defaultdict[tuple[int, bool], list[Fetch]] = defaultdict(list)
    alone = []
    for fetch in ended:
        if fetch.is_light:
            groups[fetch.record.session_id, fetch.snapshot.is_known].append(fetch)
        else:
            alone.append([fetch])
    return [*groups.values(), *alone]


def work(category: SyncCategory[Any], fetches: Sequence[Fetch]) -> list[tuple[Fetch, Exception]]:
    """Write what was read and complete the records; returns the fetches of which nothing was written, with why.

    Several are written in one transaction; when that fails, each in one of its own.
    """
    failures: list[tuple[Fetch, Exception]] = []
    todo = [list(fetches)] if fetches else []
    while todo:
        part = todo.pop()
        try:
            with transaction.atomic(durable=True):
                _write(category, part)
        except Exception as error:  # anything at all: the engine tells the anticipated from the unexpected
            if len(part) == 1:
                failures.append((part[0], error))
            else:
                todo += [[fetch] for fetch in part]
    return failures


def _write(category: SyncCategory[Any], fetches: Sequence[Fetch]) -> None:
    mine = [fetch.record for fetch in fetches]
    records.hold(mine)
    began = time.monotonic()
    reads = [Read(instance_of(fetch.record), fetch.snapshot, run_of(fetch.record, fetch.began_at)) for fetch in fetches]
    counts = _apply(category, reads)
    if time.monotonic() - began > settings.SYNC_APPLY_SECONDS:
        raise TaskExecutionFailed(detail=f"storing took longer than {settings.SYNC_APPLY_SECONDS} s")
    records.complete(mine, {record.pk: counts[instance_of(record).pk] for record in mine})


def _apply(category: SyncCategory[Any], reads: Sequence[Read[Any]]) -> Mapping[int, ItemCounts]:
    """Apply reads that are written together: the instances' own columns too."""
    counts = category.confirm(reads) if reads[0].snapshot.is_known else category.apply_together(reads)
    alike: list[tuple[dict[str, Any], list[int]]] = []  # columns, and the instances that get them
    for read in reads:
        is_telling = category.is_heavy and not read.snapshot.is_known
        size = {"snapshot_bytes": read.snapshot.size_bytes} if is_telling else {}
        columns = {**size, **counts[read.instance.pk].instance}
        same = next((pks for known, pks in alike if known == columns), None)
        if same is None:
            alike.append((columns, [read.instance.pk]))
        else:
            same.append(read.instance.pk)
    for columns, pks in alike:
        Instance.objects.filter(pk__in=pks).update(last_connected_at=Now(), **NOT_REJECTED, **CLOSED, **columns)
    return counts
