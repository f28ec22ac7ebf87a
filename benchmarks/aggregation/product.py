"""The aggregation of all instances as one chunk, in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.utils import timezone

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.periods import PeriodType
from aggregation.sync import AggregationSync
from instances.models import Instance
from sessions_app.categories import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a chunk took: statements, and rows that it wrote."""

    statements: int
    written: int


def types() -> list[str]:
    """Every period type."""
    return PeriodType.values


def chunk(periods: Sequence[str] = tuple(PeriodType.values)) -> Answer:
    """Roll up in one transaction, as the engine does it."""
    sent = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal sent
        sent += 1
        return execute(*arguments)

    now = timezone.now()
    run = Run(
        session_pk=0,
        session_id=uuid4(),
        record_pk=0,
        started_at=now,
        began_at=now,
        parameters={"periods": list(periods)},
    )
    instances = list(Instance.objects.all())
    with transaction.atomic(), connection.execute_wrapper(count):
        counts = AggregationSync().apply_many(instances, run)
    return Answer(statements=sent, written=sum(one.created + one.updated for one in counts.values()))


def rows() -> int:
    """How many rows were rolled up by now."""
    return DatabaseSizeAggregation.objects.count() + InstanceSizeAggregation.objects.count()
