"""Instances whose servers are values, and a function that has a capacity session read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

import dbms
from capacity.store import store
from dbms.base import Target
from dbms.sizes import CapacitySnapshot, DatabaseSize
from dbms.snapshots import DATABASE_LIST, SERVER, Coverage
from instances.models import Instance
from sessions_app.categories import ItemCounts, Read, Run
from sessions_app.models import SyncInstanceRecord, SyncSession

MIB = 1024**2
GIB = 1024**3
DAY = datetime(2026, 3, 1, 4, tzinfo=UTC)  # noon in Shanghai


def make_instance(name: str = "db1", db_type: str = "postgresql") -> Instance:
    return Instance.objects.create(name=name, db_type=db_type, host="127.0.0.1", port=5432)


@pytest.fixture
def instance(db: None) -> Instance:
    return make_instance()


def sizes(**databases: Any) -> CapacitySnapshot:
    """A complete read; the value is the size in bytes, None for what could not be measured, or fields."""
    return snapshot(databases)


def snapshot(
    databases: Mapping[str, Any], *, is_complete: bool = True, unread: Mapping[str, str] | None = None, **fields: Any
) -> CapacitySnapshot:
    """A read; `unread` is {scope: status}."""
    rows = tuple(
        DatabaseSize(
            **{"name": name, "method": "test", "size_bytes": None}
            | (value if isinstance(value, dict) else {"size_bytes": value})
        )
        for name, value in databases.items()
    )
    coverage = [Coverage(scope=SERVER, status="ok", categories=(DATABASE_LIST,) if is_complete else ())]
    coverage += [Coverage(scope=scope, status=status, reason="why") for scope, status in (unread or {}).items()]
    return CapacitySnapshot(
        db_type="postgresql",
        version="PostgreSQL 15",
        main_version="15",
        coverage=tuple(coverage),
        databases=rows,
        **fields,
    )


def run_at(instance: Instance, when: datetime = DAY) -> Run:
    session = SyncSession.objects.create(sync_type="manual_single", sync_category="capacity", total_instances=1)
    record = SyncInstanceRecord.objects.create(
        session=session, instance=instance, instance_name=instance.name, sync_category="capacity",
        status="completed", completed_at=timezone.now(),
    )  # fmt: skip
    return Run(
        session_pk=session.pk,
        session_id=session.session_id,
        record_pk=record.pk,
        started_at=when,
        began_at=when,
        parameters={},
    )


def collect(instance: Instance, read: CapacitySnapshot, when: datetime = DAY) -> ItemCounts:
    """Store a read of an instance as of a moment."""
    return store([Read(instance, read, run_at(instance, when))])[instance.pk]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let every PostgreSQL server answer with a read from now on, or with what a function makes of its target."""

    def answer(read: CapacitySnapshot | Callable[[Target], CapacitySnapshot]) -> None:
        adapter = replace(
            dbms.ADAPTERS["postgresql"],
            connect=nullcontext,
            read_capacity=read if callable(read) else lambda target: read,
        )
        monkeypatch.setitem(dbms.ADAPTERS, "postgresql", adapter)

    return answer
