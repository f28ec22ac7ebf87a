"""The largest tables of one database, measured because somebody asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, replace

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

import dbms
from capacity.models import InstanceDatabase, TableSizeSnapshot
from dbms.base import Interrupt, Server, Target
from dbms.sizes import TableSize
from dbms.snapshots import storable
from instances import connections
from instances.models import Instance
from whalefall.errors import InstanceDisabled, InternalError, NotFound, ValidationFailed, WhaleFallError

logger = logging.getLogger(__name__)

MOST = 100  # tables, when nobody says how many …
MOST_OF_ALL = 1000  # … and when somebody does
KEPT = 5  # snapshots of a database


def measure_tables(
    *, instance: Instance, database_name: str, user: User | None = None, most: int = MOST
) -> TableSizeSnapshot:
    """Log in now, measure the largest tables of a database, and keep that beside the few snapshots before.

    Ends after SYNC_INLINE_SECONDS. A success ends a suspension of the login, a rejection begins one, as a connection
    test does. Raises InstanceDisabled, NotFound, ValidationFailed, and what the server or the way to it refuses.
    """
    if not instance.is_active or instance.deleted_at is not None:
        raise InstanceDisabled(instance=instance.name)
    if not 1 <= most <= MOST_OF_ALL:
        raise ValidationFailed(detail=_("between 1 and {most} tables can be asked for").format(most=MOST_OF_ALL))
    if not InstanceDatabase.objects.filter(instance=instance, database_name=database_name, is_active=True).exists():
        raise NotFound(what=_("Database"), name=database_name)
    started = time.monotonic()
    server, tables = _read(instance, database_name, most)
    duration = round(time.monotonic() - started, 3)
    connections.note_success(instance.pk, version=server.version, main_version=server.main_version)
    return _keep(
        TableSizeSnapshot(
            instance=instance,
            database_name=database_name,
            tables=[storable(asdict(table)) for table in tables[:most]],
            asked_for=most,
            duration_seconds=duration,
            created_by=user,
        )
    )


def latest(database: InstanceDatabase) -> list[TableSizeSnapshot]:
    """The snapshots that are kept of a database, the last one first. One query."""
    kept = TableSizeSnapshot.objects.filter(instance=database.instance_id, database_name=database.database_name)
    return list(kept.select_related("created_by").order_by("-collected_at", "-pk")[:KEPT])


def _read(instance: Instance, database_name: str, most: int) -> tuple[Server, Sequence[TableSize]]:
    interrupt = Interrupt()
    seconds = settings.SYNC_INLINE_SECONDS
    target: Target | None = None
    try:
        with interrupt.after(seconds):
            target = replace(instance.target(interrupt=interrupt), fetch_timeout=seconds)
            return _visit(target, database_name, most)
    except WhaleFallError as raised:
        error = (interrupt.error(target) if target else None) or raised
        if target and error.reason in connections.LOCKOUT_REASONS:
            connections.note_rejection(instance.pk, target, error.reason)
        raise error from raised
    except Exception as raised:  # a driver's surprise must not take the page down
        logger.exception("measuring the tables of a database of %s", instance.name)
        raise (interrupt.error(target) if target else None) or InternalError(detail=type(raised).__name__) from raised


def _visit(target: Target, database_name: str, most: int) -> tuple[Server, Sequence[TableSize]]:
    adapter = dbms.get(target.db_type)
    if adapter.read_tables is None:
        raise ValidationFailed(detail=_("tables of {kind} cannot be measured").format(kind=adapter.label))
    with adapter.connect(target) as connection:
        return connection.server, adapter.read_tables(connection, database_name, most)


@transaction.atomic
def _keep(snapshot: TableSizeSnapshot) -> TableSizeSnapshot:
    snapshot.save()
    snapshot.refresh_from_db(fields=["collected_at"])
    same = TableSizeSnapshot.objects.filter(instance=snapshot.instance, database_name=snapshot.database_name)
    kept = list(same.order_by("-collected_at", "-pk").values_list("pk", flat=True)[:KEPT])
    same.exclude(pk__in=kept).delete()
    return snapshot
