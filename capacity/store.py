"""Writes capacity reads: the inventory, the sizes of the day and the instances' totals, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject, Now
from django.utils import timezone

from capacity import growth
from capacity.filters import Filters
from capacity.inventory import Found, Inventory
from capacity.models import DatabaseSizeStat, InstanceDatabase, InstanceSizeStat, SizePart
from dbms.sizes import CapacitySnapshot
from dbms.snapshots import is_database_scope, storable
from instances.models import Instance
from sessions_app import coverage
from sessions_app.categories import ItemCounts, Read
from sessions_app.coverage import LedgerUpdate
from sessions_app.models import SyncCategoryName
from whalefall import bulk
from whalefall.errors import NothingMeasured

SCOPES_NAMED = 100  # in a record's details; further ones are only counted
IDENTITY = ("instance_id", "database_name")
EMPTY = {"size_bytes": None, "data_size_bytes": None, "log_size_bytes": None, "method": "", "is_estimate": False}
FIGURES = tuple(EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The sum over an instance's listed databases, in bytes."""

    size_bytes: int
    database_count: int
    hidden_bytes: int
    shared_bytes: int
    is_complete: bool


def store(reads: Sequence[Read[CapacitySnapshot]]) -> dict[int, ItemCounts]:
    """Store reads of different instances; the number of statements depends neither on them nor on their databases.

    An instance all of whose databases are hidden is skipped, after its inventory and their sizes were stored. Raises
    NothingMeasured for one of which no listed database could be measured.
    """
    day = {read.instance.pk: timezone.localdate(read.run.began_at) for read in reads}
    filters = {db_type: Filters.of(db_type) for db_type in {read.instance.db_type for read in reads}}
    ledgers = coverage.stored_of([read.instance for read in reads], SyncCategoryName.CAPACITY)
    stored = _stored(day)
    inventories = {
        read.instance.pk: Inventory.of(read.snapshot, stored[read.instance.pk], filters[read.instance.db_type])
        for read in reads
    }
    totals = _totals(reads, inventories, day)
    clock: datetime = Instance.objects.values_list(Now(), flat=True).filter(pk__in=list(day))[0]

    _write_databases(inventories, day, clock)
    _write_sizes(inventories, day, clock)
    _write_totals(reads, totals, day, clock)
    _write_parts(reads, clock)
    growth.record(inventories, day)
    coverage.store(
        SyncCategoryName.CAPACITY,
        *(
            LedgerUpdate(
                instance=read.instance,
                coverage=read.snapshot.coverage,
                previous=ledgers[read.instance.pk],
                gone=inventories[read.instance.pk].settled(ledgers[read.instance.pk], read.snapshot.coverage),
            )
            for read in reads
        ),
    )
    return {
        read.instance.pk: _count(read.snapshot, inventories[read.instance.pk], totals.get(read.instance.pk))
        for read in reads
    }


def _stored(day: Mapping[int, date]) -> dict[int, dict[str, InstanceDatabase]]:
    """The inventories by instance and name; each row with its last sample before the day. One query per day."""
    found: dict[int, dict[str, InstanceDatabase]] = {pk: {} for pk in day}
    for one in set(day.values()):
        rows = _with_previous_sample(
            InstanceDatabase.objects.filter(instance__in=[pk for pk in day if day[pk] == one]), one
        )
        for row in rows:
            found[row.instance_id][row.database_name] = row
    return found


def _with_previous_sample(rows: QuerySet[InstanceDatabase], day: date) -> QuerySet[InstanceDatabase]:
    earlier = DatabaseSizeStat.objects.filter(
        instance=OuterRef("instance"), database_name=OuterRef("database_name"), collected_date__lt=day
    ).order_by("-collected_date")
    sample = earlier.values(found=JSONObject(size_bytes="size_bytes", method="method", day="collected_date"))[:1]
    return rows.annotate(previous_sample=Subquery(sample))


def _totals(
    reads: Sequence[Read[CapacitySnapshot]], inventories: Mapping[int, Inventory], day: Mapping[int, date]
) -> dict[int, Total]:
    """The totals of the instances that have a listed database.

    A database that cannot be measured now but was earlier on this day counts with what it was then.
    """
    unmeasured = {
        pk: [found.name for found in inventory.found if found.bytes is None] for pk, inventory in inventories.items()
    }
    earlier = _sizes_of_the_day({pk: names for pk, names in unmeasured.items() if names}, day)
    totals = {}
    for read in reads:
        pk, inventory = read.instance.pk, inventories[read.instance.pk]
        if not inventory.listed:
            continue
        sizes = {name: size for (of, name), size in earlier.items() if of == pk}
        sizes |= {found.name: found.bytes for found in inventory.found if found.bytes is not None}
        known = [sizes[found.name] for found in inventory.listed if found.name in sizes]
        if not known:
            reasons = [part.reason or part.status for part in read.snapshot.coverage if part.status != "ok"]
            raise NothingMeasured(instance=read.instance.name, detail=", ".join(dict.fromkeys(reasons)) or "no size")
        totals[pk] = Total(
            size_bytes=sum(known),
            database_count=len(inventory.listed),
            hidden_bytes=sum(sizes.get(found.name, 0) for found in inventory.found if not found.is_listed),
            shared_bytes=sum(
                part.size_bytes for part in read.snapshot.parts if part.kind == SizePart.Kind.SHARED.value
            ),
            is_complete=inventory.is_list_complete and len(known) == len(inventory.listed),
        )
    return totals


def _sizes_of_the_day(names: Mapping[int, Sequence[str]], day: Mapping[int, date]) -> dict[tuple[int, str], int]:
    """What databases were measured as earlier on the same day, by instance and name. No query without names."""
    if not names:
        return {}
    rows = DatabaseSizeStat.objects.filter(instance__in=list(names), collected_date__in={day[pk] for pk in names})
    return {
        (pk, name): size
        for pk, name, on, size in rows.values_list("instance_id", "database_name", "collected_date", "size_bytes")
        if on == day[pk] and name in names[pk]
    }


def _write_databases(inventories: Mapping[int, Inventory], day: Mapping[int, date], clock: datetime) -> None:
    rows = []
    for pk, inventory in inventories.items():
        for found in inventory.found:
            rows.append(
                {
                    "instance_id": pk,
                    "database_name": found.name,
                    "is_active": True,
                    "is_system": found.size.is_system,
                    "filtered_by": found.filtered_by,
                    **_figures(found, day[pk], clock),
                    "first_seen_date": day[pk],  # of a new row; never among the updated fields
                    "last_seen_date": day[pk],
                    "deleted_at": None,
                }
            )
    bulk.insert(InstanceDatabase, rows, unique=IDENTITY, update=_all_but(rows, *IDENTITY, "first_seen_date"))
    vanished = [row.pk for inventory in inventories.values() for row in inventory.vanished]
    if vanished:
        InstanceDatabase.objects.filter(pk__in=vanished).update(is_active=False, deleted_at=clock)


def _figures(found: Found, day: date, clock: datetime) -> dict[str, Any]:
    """What a database's row says of its size; what could not be measured keeps the figures of when it could."""
    if found.bytes is not None:
        return {name: getattr(found.size, name) for name in FIGURES} | {"collected_date": day, "collected_at": clock}
    if found.before is not None:
        return {name: getattr(found.before, name) for name in (*FIGURES, "collected_date", "collected_at")}
    return {**EMPTY, "collected_date": None, "collected_at": None}


def _write_sizes(inventories: Mapping[int, Inventory], day: Mapping[int, date], clock: datetime) -> None:
    rows = [
        {
            "instance_id": pk,
            "database_name": found.name,
            "collected_date": day[pk],
            **{name: getattr(found.size, name) for name in FIGURES},
            "collected_at": clock,
        }
        for pk, inventory in inventories.items()
        for found in inventory.measured
    ]
    unique = (*IDENTITY, "collected_date")
    bulk.insert(DatabaseSizeStat, rows, unique=unique, update=_all_but(rows, *unique))


def _write_totals(
    reads: Sequence[Read[CapacitySnapshot]], totals: Mapping[int, Total], day: Mapping[int, date], clock: datetime
) -> None:
    rows = [
        {
            "instance_id": read.instance.pk,
            "collected_date": day[read.instance.pk],
            "total_size_bytes": total.size_bytes,
            "database_count": total.database_count,
            "hidden_size_bytes": total.hidden_bytes,
            "shared_size_bytes": total.shared_bytes,
            "is_complete": total.is_complete,
            "session_id": read.run.session_pk,
            "collected_at": clock,
        }
        for read in reads
        if (total := totals.get(read.instance.pk)) is not None
    ]
    unique = ("instance_id", "collected_date")
    bulk.insert(InstanceSizeStat, rows, unique=unique, update=_all_but(rows, *unique))


def _write_parts(reads: Sequence[Read[CapacitySnapshot]], clock: datetime) -> None:
    """Parts are kept as they are now; those that a read of all of them no longer names go."""
    rows = {
        (read.instance.pk, part.kind, storable(part.database), storable(part.name)): part
        for read in reads
        for part in read.snapshot.parts
    }
    unique = ("instance_id", "kind", "database_name", "name")
    values = [
        {
            **dict(zip(unique, key, strict=True)),
            "size_bytes": part.size_bytes,
            "used_bytes": part.used_bytes,
            "max_bytes": part.max_bytes,
            "collected_at": clock,
        }
        for key, part in rows.items()
    ]
    bulk.insert(SizePart, values, unique=unique, update=_all_but(values, *unique))
    whole = [read.instance.pk for read in reads if _names_every_part(read.snapshot)]
    SizePart.objects.filter(instance__in=whole, collected_at__lt=clock).delete()


def _names_every_part(snapshot: CapacitySnapshot) -> bool:
    """Whether nothing of the server itself was left unread: what a database does not tell is no part's matter."""
    return all(is_database_scope(part.scope) or (part.status == "ok" and not part.reason) for part in snapshot.coverage)


def _all_but(rows: Sequence[bulk.Row], *names: str) -> list[str]:
    return [name for name in rows[0] if name not in names] if rows else []


def _count(snapshot: CapacitySnapshot, inventory: Inventory, total: Total | None) -> ItemCounts:
    before = [found.before for found in inventory.found]
    unread = [
        {"scope": part.scope, "status": part.status, "reason": part.reason}
        for part in snapshot.coverage
        if part.status != "ok"
    ]
    created = before.count(None)
    reactivated = sum(row is not None and not row.is_active for row in before)
    return ItemCounts(
        synced=len(inventory.found),
        created=created + reactivated,
        updated=len(before) - created - reactivated,
        deleted=len(inventory.vanished),
        skipped="" if total else "no_active_database",
        details={
            "total_size_bytes": total.size_bytes if total else None,
            "database_count": total.database_count if total else 0,
            "saved_count": len(inventory.measured),
            "hidden_count": len(inventory.found) - len(inventory.listed),
            "is_complete": bool(total and total.is_complete),
            "inventory": {
                "created": created,
                "refreshed": len(before) - created - reactivated,
                "reactivated": reactivated,
                "deactivated": len(inventory.vanished),
            },
            "unread_scopes": unread[:SCOPES_NAMED],
            "unread_count": len(unread),
        },
    )
