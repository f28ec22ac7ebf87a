"""Settings that must agree. Django refuses to start where they do not."""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils.module_loading import import_string

from sessions_app import cron
from sessions_app.lifeline import STOP_SECONDS
from sessions_app.models import SyncCategoryName
from sessions_app.timetable import LOOKED_FOR_SECONDS
from whalefall.errors import InvalidCron

SWEEP_SECONDS = 90  # each minute, and django-q2 looks for what is due each half minute
BATCH_SECONDS = 60  # what the last batch of a retention run may take beyond its time
MOST_DAYS = 36_500


def _below(number: int, low: str, high: str, *, low_value: float, high_value: float, hint: str) -> list[CheckMessage]:
    if low_value < high_value:
        return []
    return [
        Error(
            f"{low} ({low_value:g}) must be below {high} ({high_value:g}).", hint=hint, id=f"sessions_app.E{number:03}"
        )
    ]


@register()
def check_times(**kwargs: Any) -> list[CheckMessage]:
    """The order of the engine's times: connect < statement < fetch, apply and renewal < lease, turn < task."""
    queue = settings.Q_CLUSTER
    lease, apply = settings.SYNC_LEASE_SECONDS, settings.SYNC_APPLY_SECONDS
    retry = queue["timeout"] * (1 + math.ceil((queue["queue_limit"] + 1) / queue["workers"])) + 10
    return [
        *_below(
            1, "SYNC_CONNECT_SECONDS", "SYNC_STATEMENT_SECONDS",
            low_value=settings.SYNC_CONNECT_SECONDS, high_value=settings.SYNC_STATEMENT_SECONDS,
            hint="A server that cannot be reached must be known before one that is slow.",
        ),
        *_below(
            2, "SYNC_CONNECT_SECONDS + SYNC_STATEMENT_SECONDS", "SYNC_FETCH_SECONDS",
            low_value=settings.SYNC_CONNECT_SECONDS + settings.SYNC_STATEMENT_SECONDS,
            high_value=settings.SYNC_FETCH_SECONDS,
            hint="A fetch has to have time for at least one connection and one statement.",
        ),
        *_below(
            3, "SYNC_APPLY_SECONDS + SYNC_LEASE_SECONDS / 4", "SYNC_LEASE_SECONDS",
            low_value=apply + lease / 4, high_value=lease,
            hint="Leases are renewed every quarter by the loop that applies; an apply must not outlast them.",
        ),
        *_below(
            4, "SYNC_TURN_SECONDS + SYNC_FETCH_SECONDS + SYNC_APPLY_SECONDS", "Q_CLUSTER['timeout']",
            low_value=settings.SYNC_TURN_SECONDS + settings.SYNC_FETCH_SECONDS + apply, high_value=queue["timeout"],
            hint="A turn must end by itself before django-q2 ends its process.",
        ),
        *_below(
            5, "timeout × (1 + ⌈(queue_limit + 1) / workers⌉) + 10", "Q_CLUSTER['retry']",
            low_value=retry, high_value=queue["retry"],
            hint="A nudge must not be delivered again while its first delivery still waits or works.",
        ),
        *_below(
            6, "SYNC_INLINE_SECONDS", "SYNC_FETCH_SECONDS",
            low_value=settings.SYNC_INLINE_SECONDS, high_value=settings.SYNC_FETCH_SECONDS,
            hint="A request hands its record over to the workers long before the fetch's own limit.",
        ),
        *_below(
            7, "Q_CLUSTER['timeout'] + SWEEP_SECONDS", "HEALTH_SWEEP_SECONDS",
            low_value=queue["timeout"] + SWEEP_SECONDS, high_value=settings.HEALTH_SWEEP_SECONDS,
            hint="While every worker is busy with a long turn nobody sweeps, and nothing is wrong.",
        ),
        *_below(
            8, "SYNC_FETCH_SECONDS + SYNC_APPLY_SECONDS + SWEEP_SECONDS", "HEALTH_QUEUE_SECONDS",
            low_value=settings.SYNC_FETCH_SECONDS + apply + SWEEP_SECONDS, high_value=settings.HEALTH_QUEUE_SECONDS,
            hint="While every thread reads a slow server nobody claims, and nothing is wrong.",
        ),
        *_below(
            9, "RETENTION_SECONDS + BATCH_SECONDS", "Q_CLUSTER['timeout']",
            low_value=settings.RETENTION_SECONDS + BATCH_SECONDS, high_value=queue["timeout"],
            hint="A run of the retention must end by itself before django-q2 ends its process.",
        ),
        *_below(
            12, "SYNC_APPLY_SECONDS", "WORKER_SILENT_SECONDS",
            low_value=apply, high_value=settings.WORKER_SILENT_SECONDS,
            hint="A worker that stores a large result gives no sign of life until it has.",
        ),
        *_below(
            13, f"SYNC_APPLY_SECONDS + {STOP_SECONDS:g}", "WORKER_STOP_SECONDS",
            low_value=apply + STOP_SECONDS, high_value=settings.WORKER_STOP_SECONDS,
            hint="A worker that is told to stop ends its reads and then what it stores.",
        ),
    ]  # fmt: skip


@register()
def check_limits(**kwargs: Any) -> list[CheckMessage]:
    """Limits let something through; some know a 0 that means none."""
    least = {
        "SYNC_BACKOFF_LIMIT_SECONDS": settings.SYNC_BACKOFF_SECONDS,
        "SYNC_ATTEMPTS": 1, "SYNC_THREADS": 1, "SYNC_PER_HOST": 1, "SYNC_MEMORY_MB": 1, "SYNC_PROBE_SECONDS": 1,
        "SYNC_PER_SESSION": 0, "SYNC_BREAKER_FAILURES": 0,
    }  # fmt: skip
    return [
        Error(f"{name} must be at least {number}.", hint=f"It is {getattr(settings, name)}.", id="sessions_app.E040")
        for name, number in least.items()
        if getattr(settings, name) < number
    ]


@register()
def check_queue(**kwargs: Any) -> list[CheckMessage]:
    """django-q2 must carry nudges exactly once or not at all, and never catch up."""
    wanted = {"queue_limit": 1, "max_attempts": 1, "ack_failures": True, "catch_up": False, "guard_cycle": 0.5}
    messages: list[CheckMessage] = [
        Error(
            f"Q_CLUSTER[{name!r}] must be {value!r}.",
            hint="The records are the queue; django-q2 carries only nudges (docs/engine.md).",
            id="sessions_app.E010",
        )
        for name, value in wanted.items()
        if settings.Q_CLUSTER.get(name) != value
    ]
    if not isinstance(settings.Q_CLUSTER.get("timeout"), int):
        messages.append(Error("Q_CLUSTER['timeout'] must be a whole number.", id="sessions_app.E011"))
    return messages


@register()
def check_database(**kwargs: Any) -> list[CheckMessage]:
    """Our own database: no request-wide transactions, no pool below forks, bounded waits."""
    database = settings.DATABASES["default"]
    options = database.get("OPTIONS", {})
    messages: list[CheckMessage] = []
    if database.get("ATOMIC_REQUESTS"):
        messages.append(
            Error(
                "DATABASES['default']['ATOMIC_REQUESTS'] must be off.",
                hint="A single sync works inside its request and commits claim and result apart.",
                id="sessions_app.E020",
            )
        )
    if database["ENGINE"].endswith("postgresql"):
        if options.get("pool"):
            messages.append(
                Error(
                    "DATABASES['default']['OPTIONS']['pool'] must be off.",
                    hint="django-q2 forks; a connection pool does not survive that.",
                    id="sessions_app.E021",
                )
            )
        bounds = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        if not all(name in options.get("options", "") for name in bounds):
            messages.append(
                Error(
                    f"DATABASES['default']['OPTIONS']['options'] must set {', '.join(bounds)}.",
                    hint="A stopped worker must not hold a row lock against sweep and cancel.",
                    id="sessions_app.E022",
                )
            )
    elif not database["ENGINE"].endswith("sqlite3"):
        messages.append(Error("WhaleFall's own database is SQLite or PostgreSQL.", id="sessions_app.E023"))
    elif options.get("transaction_mode") != "IMMEDIATE":
        messages.append(
            Warning(
                "SQLite without IMMEDIATE transactions fails with 'database is locked' under load.",
                id="sessions_app.W024",
            )
        )
    return messages


@register()
def check_categories(**kwargs: Any) -> list[CheckMessage]:
    """Every category imports, has its own key, and is all that follow-ups name."""
    keys: list[str] = []
    messages: list[CheckMessage] = []
    for path in settings.SYNC_CATEGORIES:
        try:
            keys.append(import_string(path).key)
        except ImportError as error:
            messages.append(Error(f"SYNC_CATEGORIES: {path} cannot be imported: {error}", id="sessions_app.E030"))
    messages += [
        Error(f"SYNC_CATEGORIES: the key {key!r} occurs twice.", id="sessions_app.E031")
        for key in sorted(set(keys))
        if keys.count(key) > 1
    ]
    named = {key for first, following in settings.SYNC_FOLLOW_UPS.items() for key in (first, *following)}
    messages += [
        Error(f"SYNC_FOLLOW_UPS names {key!r}, which is no category.", id="sessions_app.E032")
        for key in sorted(named - set(keys))
    ]
    return messages


@register()
def check_retention(**kwargs: Any) -> list[CheckMessage]:
    """Every kind that is deleted has a function and a number of days, and no number is left over."""
    messages: list[CheckMessage] = [
        Error(f"RETENTION and RETENTION_DAYS do not both name {kind!r}.", id="sessions_app.E050")
        for kind in sorted(set(settings.RETENTION) ^ set(settings.RETENTION_DAYS))
    ]
    for kind, days in settings.RETENTION_DAYS.items():
        if type(days) is not int or not 0 <= days <= MOST_DAYS:
            messages.append(
                Error(
                    f"RETENTION_DAYS[{kind!r}] ({days!r}) must be a whole number from 0 to {MOST_DAYS}.",
                    hint=f"Set RETENTION_{kind.upper()}_DAYS; 0 keeps for ever.",
                    id="sessions_app.E051",
                )
            )
    for kind, path in settings.RETENTION.items():
        try:
            import_string(path)
        except ImportError as error:
            messages.append(Error(f"RETENTION[{kind!r}]: {path} cannot be imported: {error}", id="sessions_app.E052"))
    return messages


@register()
def check_schedules(**kwargs: Any) -> list[CheckMessage]:
    """Default schedules are cron of categories; grace and jitter are times."""
    messages: list[CheckMessage] = []
    for key, text in settings.SYNC_SCHEDULES.items():
        if key not in SyncCategoryName.values:
            messages.append(Error(f"SYNC_SCHEDULES names {key!r}, which is no category.", id="sessions_app.E060"))
        try:
            cron.check(text)
        except InvalidCron as error:
            messages.append(Error(f"SYNC_SCHEDULES[{key!r}]: {error}.", hint=error.hint, id="sessions_app.E061"))
    if settings.SYNC_SCHEDULE_GRACE_SECONDS < LOOKED_FOR_SECONDS:
        messages.append(
            Error(
                f"SYNC_SCHEDULE_GRACE_SECONDS must be at least {LOOKED_FOR_SECONDS}.",
                hint="django-q2 looks for due schedules about every 30 seconds; before that nothing is late.",
                id="sessions_app.E062",
            )
        )
    if settings.SYNC_JITTER_SECONDS < 0:
        messages.append(Error("SYNC_JITTER_SECONDS must be 0 (off) or more.", id="sessions_app.E063"))
    return messages
