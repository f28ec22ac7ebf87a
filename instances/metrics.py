"""What Prometheus may know of the instances."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Q
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from instances.models import Instance


def families() -> Iterator[Metric]:
    """One statement, whatever their number."""
    numbers = Instance.objects.active().aggregate(
        open=Count("pk", filter=Q(breaker_opened_at__isnull=False)),
        closed=Count("pk", filter=Q(breaker_opened_at__isnull=True)),
    )
    breakers = GaugeMetricFamily(
        "whalefall_breakers", "Active instances by the state of their breaker.", labels=["state"]
    )
    for state, number in numbers.items():
        breakers.add_metric([state], number)
    yield breakers
