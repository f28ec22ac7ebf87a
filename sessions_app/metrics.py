"""What Prometheus may know of the engine, from the database: the same numbers whichever process is asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum
from django.db.models.functions import Now
from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from sessions_app import categories, health
from sessions_app.clock import from_now
from sessions_app.models import RecordStatus, SessionStatus, SyncInstanceRecord, SyncSession

WINDOW_SECONDS = 24 * 60 * 60
SESSION_BUCKETS = (10, 30, 60, 300, 600, 1800, 3600, 7200, 14400)
RECORD_BUCKETS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)

Rows = dict[tuple[str, str], dict[str, Any]]  # by category and status


def families() -> Iterator[Metric]:
    """Six statements, whatever the number of instances, sessions and records."""
    yield from _liveness()
    recent = SyncSession.objects.filter(
        Q(status=SessionStatus.RUNNING) | Q(completed_at__gte=from_now(-WINDOW_SECONDS))
    )
    yield from _sessions(recent)
    yield from _records(SyncInstanceRecord.objects.filter(session__in=recent.values("pk")))
    fetching = SyncInstanceRecord.objects.filter(slot_until__gt=Now()).count()
    yield GaugeMetricFamily(
        "whalefall_open_fetches", "Connections to instances that are open, or not known to be closed.", fetching
    )


def _liveness() -> Iterator[Metric]:
    found = health.read()
    ages = {
        ("whalefall_sweep_age_seconds", "Since a sweep came to its end; NaN before the first."): found.sweep,
        ("whalefall_queue_age_seconds", "Since the oldest record that can be claimed waits."): found.queue or 0.0,
        ("whalefall_unclaimed_seconds", "Since records wait and none is claimed."): found.unclaimed or 0.0,
        ("whalefall_lapsed_lease_seconds", "Since the oldest open lease lapsed."): found.lapsed_lease or 0.0,
    }
    for (name, text), seconds in ages.items():
        yield GaugeMetricFamily(name, text, math.nan if seconds is None else seconds)
    failing = {reason.reason for reason in found.reasons if reason.is_failure}
    unhealthy = GaugeMetricFamily("whalefall_unhealthy", "1 for each reason why /healthz says 503.", labels=["reason"])
    for word in health.REASONS:
        unhealthy.add_metric([word], word in failing)
    yield unhealthy


def _sessions(recent: QuerySet[SyncSession]) -> Iterator[Metric]:
    rows = _grouped(recent, SESSION_BUCKETS)
    text = "Sessions that run, and those that ended in the last 24 hours."
    yield _numbers("whalefall_sessions", text, rows, SessionStatus.values)
    text = "Duration of the sessions that ended in the last 24 hours."
    yield _durations("whalefall_session_duration_seconds", text, rows, SESSION_BUCKETS)


def _records(recent: QuerySet[SyncInstanceRecord]) -> Iterator[Metric]:
    rows = _grouped(recent, RECORD_BUCKETS, lost=Sum("lost_count"))
    of = "records of the sessions that run or ended in the last 24 hours."
    yield _numbers("whalefall_records", f"The {of}", rows, RecordStatus.values)
    # A gauge: records leave the window, and the table, so that the sum also falls.
    lost = GaugeMetricFamily("whalefall_lost_workers", f"Workers that were lost under the {of}", labels=["category"])
    for key in _keys(rows):
        lost.add_metric([key], sum(row["lost"] for row in _of(key, rows)))
    yield lost
    text = f"From the first claim to the end, waits between tries included, of the {of}"
    yield _durations("whalefall_record_duration_seconds", text, rows, RECORD_BUCKETS)


def _grouped(found: QuerySet[Any], buckets: tuple[float, ...], **more: Any) -> Rows:
    """By category and status: how many, how many of them took at most so long, and how long they took together."""
    took = ExpressionWrapper(F("completed_at") - F("started_at"), output_field=DurationField())
    within = {f"within_{le}": Count("pk", filter=Q(took__lte=timedelta(seconds=le))) for le in buckets}
    rows = (
        found.annotate(took=took)
        .values("sync_category", "status")
        .annotate(number=Count("pk"), ended=Count("took"), together=Sum("took"), **within, **more)
        .order_by()
    )
    return {(row["sync_category"], row["status"]): row for row in rows}


def _keys(rows: Rows) -> list[str]:
    """Every category that there is or was."""
    return sorted({*categories.table(), *(key for key, _status in rows)})


def _of(category: str, rows: Rows) -> list[dict[str, Any]]:
    return [row for (key, _status), row in rows.items() if key == category]


def _numbers(name: str, text: str, rows: Rows, statuses: list[str]) -> Metric:
    """With a zero where there is nothing: a series that ends cannot be seen to fall."""
    family = GaugeMetricFamily(name, text, labels=["category", "status"])
    for key in _keys(rows):
        for status in statuses:
            family.add_metric([key, status], rows[key, status]["number"] if (key, status) in rows else 0)
    return family


def _durations(name: str, text: str, rows: Rows, buckets: tuple[float, ...]) -> Metric:
    """A histogram of a window: its buckets are no counters, histogram_quantile() takes them without rate()."""
    family = GaugeHistogramMetricFamily(name, text, labels=["category"])
    for key in _keys(rows):
        mine = _of(key, rows)
        counts = [(str(float(le)), sum(row[f"within_{le}"] for row in mine)) for le in buckets]
        together = sum(row["together"].total_seconds() for row in mine if row["together"] is not None)
        family.add_metric([key], [*counts, ("+Inf", sum(row["ended"] for row in mine))], together)
    return family
