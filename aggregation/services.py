"""Starts the aggregation for people and scripts."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User

from aggregation.options import Options
from instances.models import Instance, InstanceQuerySet
from sessions_app import services
from sessions_app.models import SyncSession, SyncType
from whalefall.errors import AggregationDisabled

CATEGORY = "aggregation"


def start_aggregation(
    options: Options,
    *,
    instances: InstanceQuerySet | None = None,
    user: User | None = None,
    max_attempts: int | None = None,
) -> SyncSession:
    """Start a session over all active instances, or over those given.

    Raises AggregationDisabled, NoActiveInstance.
    """
    if not settings.AGGREGATION_ENABLED:
        raise AggregationDisabled
    return services.start_session(
        category=CATEGORY,
        sync_type=SyncType.MANUAL_TASK if instances is None else SyncType.MANUAL_BATCH,
        instances=Instance.objects.all() if instances is None else instances,
        user=user,
        parameters=options.parameters(),
        max_attempts=max_attempts,
    )
