"""Whether a size is as new as the schedule promises, and why a database has none."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from capacity.models import InstanceDatabase
from dbms.snapshots import DATABASE_PREFIXES, SERVER
from instances.models import Instance, InstanceQuerySet
from sessions_app import cron
from sessions_app.models import CoverageStatus, InstanceCoverage, SyncCategoryName
from sessions_app.timetable import SyncSchedule


def last_due() -> datetime:
    """When sizes last came due whose grace is over; what was measured before that is stale. One statement.

    A paused schedule counts as well: nothing becomes fresher by pausing it.
    """
    key = SyncCategoryName.CAPACITY.value
    edited = SyncSchedule.objects.filter(key=key).values_list("cron", flat=True).first()
    limit = timezone.now() - timedelta(seconds=settings.SYNC_SCHEDULE_GRACE_SECONDS)
    return cron.last_before(edited or settings.SYNC_SCHEDULES[key], limit)


def is_stale(database: InstanceDatabase, due: datetime) -> bool:
    """Whether a database was not measured since a due time."""
    return database.collected_at is None or database.collected_at < due


def stale(due: datetime) -> Q:
    """Databases that is_stale() says it of."""
    return Q(collected_at__isnull=True) | Q(collected_at__lt=due)


def unmeasured() -> Q:
    """Databases that the last read named and could not measure."""
    return Q(size_bytes__isnull=True) | Q(Exists(_unread()))


def with_unread(databases: QuerySet[InstanceDatabase]) -> QuerySet[InstanceDatabase]:
    """Databases with `unread_status` and `unread_reason`: why the last read could not measure them, else None."""
    unread = _unread()
    return databases.annotate(
        unread_status=Subquery(unread.values("status")[:1]), unread_reason=Subquery(unread.values("reason")[:1])
    )


def overdue_instances(due: datetime) -> InstanceQuerySet:
    """Active instances, known when sizes came due, whose server was not read for its sizes since."""
    read = InstanceCoverage.objects.filter(
        instance=OuterRef("pk"), sync_category=SyncCategoryName.CAPACITY, scope=SERVER, last_ok_at__gte=due
    )
    return Instance.objects.active().filter(~Exists(read), created_at__lt=due)


def _unread() -> QuerySet[InstanceCoverage]:
    name = Cast(OuterRef("database_name"), CharField())
    scopes = [Concat(Value(prefix), name) for prefix in DATABASE_PREFIXES]
    rows = InstanceCoverage.objects.filter(instance=OuterRef("instance"), sync_category=SyncCategoryName.CAPACITY)
    return rows.filter(scope__in=scopes).exclude(status=CoverageStatus.OK)
