"""How old what we know of each instance is, for Prometheus."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models.functions import Now
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from dbms.snapshots import SERVER
from instances.models import Instance
from sessions_app import categories
from sessions_app.models import InstanceCoverage


def families() -> Iterator[Metric]:
    """Two statements over the active instances; none, and no series, with METRICS_INSTANCES off."""
    if not settings.METRICS_INSTANCES:
        return
    instances = list(
        Instance.objects.active().order_by("name").values_list("pk", "name", "db_type", "last_connected_at", Now())
    )
    remote = [category.key for category in categories.table().values() if not category.is_local]
    of_servers = InstanceCoverage.objects.filter(scope=SERVER, sync_category__in=remote)
    read = {
        (instance, category): at
        for instance, category, at in of_servers.values_list("instance_id", "sync_category", "last_ok_at")
    }
    connected = GaugeMetricFamily(
        "whalefall_instance_connected_age_seconds",
        "Since a connection last succeeded; +Inf when none ever did.",
        labels=["instance", "db_type"],
    )
    fresh = GaugeMetricFamily(
        "whalefall_instance_read_age_seconds",
        "Since the server was last read completely; +Inf when it never was.",
        labels=["instance", "db_type", "category"],
    )
    for pk, name, db_type, connected_at, now in instances:
        connected.add_metric([name, db_type], _age(connected_at, now))
        for key in remote:
            fresh.add_metric([name, db_type, key], _age(read.get((pk, key)), now))
    yield connected
    yield fresh


def _age(at: datetime | None, now: datetime) -> float:
    return math.inf if at is None else max(0.0, (now - at).total_seconds())
