"""The breaker of an instance: open after SYNC_BREAKER_FAILURES connections in a row failed, closed by any answer."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Case, F, Q, When
from django.db.models.functions import Now
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import ngettext

from instances.models import Instance, InstanceQuerySet

CLOSED: dict[str, Any] = {"connection_failures": 0, "breaker_opened_at": None, "probed_at": None}


def note_failure(instance_pk: int) -> None:
    """Count a connection that failed, and open the breaker when it is one too many. One UPDATE: all workers count."""
    limit = settings.SYNC_BREAKER_FAILURES
    is_enough = Q(breaker_opened_at__isnull=True, connection_failures__gte=limit - 1)
    opened_at = Case(When(is_enough, then=Now()), default=F("breaker_opened_at")) if limit else F("breaker_opened_at")
    Instance.objects.filter(pk=instance_pk).update(
        connection_failures=F("connection_failures") + 1, breaker_opened_at=opened_at, probed_at=Now()
    )


def note_answer(instance_pk: int) -> None:
    """The server answered, whatever it said: forget the failed connections. One UPDATE, which rarely finds any."""
    Instance.objects.filter(pk=instance_pk, connection_failures__gt=0).update(**CLOSED)


def close(instances: InstanceQuerySet) -> int:
    """Forget the failed connections of instances; returns how many breakers were open."""
    opened = instances.unreachable().update(**CLOSED)
    instances.filter(connection_failures__gt=0).update(**CLOSED)
    return opened


def describe(instance: Instance) -> str:
    """Since when an instance is unreachable, in the reader's language; empty when its breaker is closed."""
    if instance.breaker_opened_at is None:
        return ""
    return ngettext(
        "Unreachable since %(since)s, %(count)d failure",
        "Unreachable since %(since)s, %(count)d failures",
        instance.connection_failures,
    ) % {
        "since": date_format(localtime(instance.breaker_opened_at), "SHORT_DATETIME_FORMAT"),
        "count": instance.connection_failures,
    }
