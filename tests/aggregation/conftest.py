"""Instances with days that were measured, runs of the aggregation over them, and who looks at what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DataError
from django.test import Client

from aggregation import rollup
from aggregation.models import InstanceSizeAggregation
from aggregation.periods import PeriodType
from aggregation.sync import AggregationSync
from capacity.models import DatabaseSizeStat, InstanceSizeStat
from instances.models import Instance
from sessions_app.categories import Run
from tests.aggregation.reference import Day, Total
from tests.aggregation.rows import database, last, total
from tests.people import browser

TODAY = date(2026, 3, 18)  # a Wednesday
NOON = time(4, tzinfo=UTC)  # in Shanghai


@pytest.fixture
def instance(db: None) -> Instance:
    return make_instance("db1")


def make_instance(name: str) -> Instance:
    return Instance.objects.create(name=name, db_type="postgresql", host="127.0.0.1", port=5432)


def moment(day: date) -> datetime:
    """When a day is measured, unless a test says otherwise."""
    return datetime.combine(day, NOON)


def store(days: Iterable[Day] = (), totals: Iterable[Total] = (), *, at: datetime | None = None) -> None:
    DatabaseSizeStat.objects.bulk_create(
        DatabaseSizeStat(
            instance_id=day.instance, database_name=day.database, collected_date=day.date, size_bytes=day.size,
            data_size_bytes=day.data, log_size_bytes=day.log, method=day.method,
            collected_at=at or day.at or moment(day.date),
        )
        for day in days
    )  # fmt: skip
    InstanceSizeStat.objects.bulk_create(
        InstanceSizeStat(
            instance_id=total.instance, collected_date=total.date, total_size_bytes=total.size,
            database_count=total.databases, is_complete=total.is_complete,
            collected_at=at or total.at or moment(total.date),
        )
        for total in totals
    )  # fmt: skip


def measure(instance: Instance, sizes: dict[str, Any], *, at: datetime | None = None) -> None:
    """One database `app` of an instance, and the total, by ISO dates."""
    days = [(date.fromisoformat(text), size) for text, size in sizes.items()]
    store(
        [Day(instance.pk, "app", day, size) for day, size in days],
        [Total(instance.pk, day, size, 1, True) for day, size in days],
        at=at,
    )


def aggregate(*instances: Instance, today: date = TODAY, **parameters: Any) -> Any:
    """Roll up as of a day; counts by instance id."""
    began_at = moment(today) + timedelta(hours=1)
    run = Run(
        session_pk=0, session_id=uuid4(), record_pk=0, started_at=began_at, began_at=began_at, parameters=parameters
    )
    return AggregationSync().apply_many(instances, run)


@contextmanager
def poisoned(instance: Instance) -> Iterator[None]:
    """The main database refuses the last rows of every chunk with this instance, after it has taken the others."""
    written = rollup.roll_up

    def roll_up(model: Any, type: PeriodType, wanted: Any, **rest: Any) -> rollup.Written:
        counts = written(model, type, wanted, **rest)
        if model is InstanceSizeAggregation and any(instance.pk in pks for pks in wanted.values()):
            raise DataError("no room for this row")
        return counts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollup, "roll_up", roll_up)
        yield


@pytest.fixture
def viewer(db: None) -> Client:
    return browser("viewer")


@pytest.fixture
def operator(db: None) -> Client:
    return browser("operator")


@pytest.fixture
def two(db: None) -> tuple[Instance, Instance]:
    """Two instances with a database of the same name each, over three days and a month."""
    one, other = make_instance("db1"), make_instance("db2")
    Instance.objects.filter(pk=other.pk).update(db_type="mysql")
    for back, (size, change) in enumerate([(12, 2), (10, 1), (9, None)]):
        database(one, "shop", size, change, None if change is None else 20, last(back=back))
        total(one, size, change, None if change is None else 20, "growing" if change else "", last(back=back))
    database(other, "shop", 30, -3, "-9.09")
    database(other, "small", 1, 1, None)
    total(other, 31, -2, "-6.06", "shrinking")
    database(one, "shop", 8, 7, 700, last("monthly"))
    total(one, 8, 7, 700, "growing", last("monthly"))
    return one, other
