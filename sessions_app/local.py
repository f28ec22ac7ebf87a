"""Local work: a chunk of instances in one transaction, halved down to the instance that makes it fail."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from sessions_app import records
from sessions_app.categories import LocalCategory, Run
from sessions_app.claims import instance_of
from sessions_app.models import SyncInstanceRecord


def work(
    category: LocalCategory, chunk: Sequence[SyncInstanceRecord], run: Run
) -> list[tuple[SyncInstanceRecord, Exception]]:
    """Do and complete a claimed chunk; returns the records that fail by themselves, with why.

    What is written for an instance always comes from one transaction, and nothing of a failing one is written.
    """
    failures: list[tuple[SyncInstanceRecord, Exception]] = []
    todo = [list(chunk)]
    while todo:
        part = todo.pop()
        try:
            with transaction.atomic(durable=True):
                records.hold(part)
                instances = {record.pk: instance_of(record) for record in part}
                counts = category.apply_many(list(instances.values()), run)
                records.complete(part, {pk: counts[instance.pk] for pk, instance in instances.items()})
        except records.LeaseLost:
            kept = set(records.held(part).values_list("pk", flat=True))
            if kept and len(kept) < len(part):
                todo.append([record for record in part if record.pk in kept])
        except Exception as error:  # anything at all: the engine tells the anticipated from the unexpected
            if len(part) == 1:
                failures.append((part[0], error))
            else:
                todo += [part[: len(part) // 2], part[len(part) // 2 :]]
    return failures
