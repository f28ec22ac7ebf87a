"""Settings that do not agree are refused with an id and a hint."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks

from sessions_app.checks import check_database


def ids() -> set[str]:
    return {message.id for message in run_checks() if message.id.startswith("sessions_app")}


def test_the_defaults_agree():
    assert ids() == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SYNC_CONNECT_SECONDS", 60, "sessions_app.E001"),
        ("SYNC_FETCH_SECONDS", 30, "sessions_app.E002"),
        ("SYNC_APPLY_SECONDS", 80, "sessions_app.E003"),
        ("SYNC_TURN_SECONDS", 200, "sessions_app.E004"),
        ("SYNC_INLINE_SECONDS", 900, "sessions_app.E006"),
        ("SYNC_BACKOFF_LIMIT_SECONDS", 29, "sessions_app.E040"),
        ("SYNC_THREADS", 0, "sessions_app.E040"),
        ("SYNC_PROBE_SECONDS", 0, "sessions_app.E040"),
        ("SYNC_PER_SESSION", -1, "sessions_app.E040"),
        ("WORKER_SILENT_SECONDS", 40, "sessions_app.E012"),
        ("WORKER_STOP_SECONDS", 45, "sessions_app.E013"),
        ("HEALTH_SWEEP_SECONDS", 500, "sessions_app.E007"),
        ("HEALTH_QUEUE_SECONDS", 400, "sessions_app.E008"),
        ("SYNC_CATEGORIES", ["no.such.Category"], "sessions_app.E030"),
        ("SYNC_CATEGORIES", ["accounts_sync.sync.AccountSync"] * 2, "sessions_app.E031"),
        ("SYNC_FOLLOW_UPS", {"account": ["nonsense"]}, "sessions_app.E032"),
        ("SYNC_SCHEDULES", {"nonsense": "0 1 * * *"}, "sessions_app.E060"),
        ("SYNC_SCHEDULES", {"account": "at one"}, "sessions_app.E061"),
        ("SYNC_SCHEDULE_GRACE_SECONDS", 30, "sessions_app.E062"),
        ("SYNC_JITTER_SECONDS", -1, "sessions_app.E063"),
    ],
)
def test_a_setting_that_breaks_the_order_is_named(settings, name, value, expected):
    setattr(settings, name, value)
    assert expected in ids()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("retry", 500, "sessions_app.E005"),
        ("ack_failures", False, "sessions_app.E010"),
        ("queue_limit", 4, "sessions_app.E010"),
        ("catch_up", True, "sessions_app.E010"),
        ("guard_cycle", 0.3, "sessions_app.E010"),
        ("timeout", 480.5, "sessions_app.E011"),
    ],
)
def test_a_queue_setting_that_loses_or_repeats_work_is_named(settings, name, value, expected):
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, name: value}
    assert expected in ids()


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ({"ENGINE": "django.db.backends.postgresql", "ATOMIC_REQUESTS": True}, "sessions_app.E020"),
        ({"ENGINE": "django.db.backends.postgresql", "OPTIONS": {"pool": True}}, "sessions_app.E021"),
        ({"ENGINE": "django.db.backends.postgresql", "OPTIONS": {}}, "sessions_app.E022"),
        ({"ENGINE": "django.db.backends.mysql"}, "sessions_app.E023"),
        ({"ENGINE": "django.db.backends.sqlite3"}, "sessions_app.W024"),
    ],
)
def test_a_database_that_can_hold_a_lock_for_ever_is_named(settings, monkeypatch, database, expected):
    monkeypatch.setitem(settings.DATABASES, "default", database)
    assert expected in {message.id for message in check_database()}
