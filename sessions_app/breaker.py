"""An unreachable server costs what runs by itself one short connection per session, until it answers again."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from dbms.base import Target
from instances.breaker import note_answer, note_failure
from sessions_app.models import SyncInstanceRecord, SyncType

# Why nobody could connect: nobody is there, or nobody that speaks with us.
UNREACHABLE_REASONS = frozenset({"dns", "refused", "timeout", "tls", "protocol", "restarting"})
# The server is there and says no. For rejected logins there is sessions_app/lockout.py.
ANSWER_REASONS = frozenset(
    {
        "auth", "account_locked", "password_expired", "database", "database_closed", "privilege",
        "too_many_connections", "version",
    }
)  # fmt: skip
CHOSEN = (SyncType.MANUAL_SINGLE, SyncType.MANUAL_BATCH)


def applies(record: SyncInstanceRecord) -> bool:
    """Whether a record only probes. A person who chose the instance is not limited, a retry of many is."""
    chosen = record.session.sync_type in CHOSEN and record.session.retry_of_id is None
    unreachable = record.instance is not None and record.instance.is_unreachable
    return bool(settings.SYNC_BREAKER_FAILURES and unreachable and not chosen)


def probing(record: SyncInstanceRecord, target: Target) -> Target:
    """The target with as little time to connect as a probe gets; whoever answers is read in full.

    An instance with a time of its own keeps it: such a server is known to be slow, and would never answer a probe.
    """
    if record.instance is not None and record.instance.connect_timeout:
        return target
    return replace(target, connect_timeout=min(target.connect_timeout, settings.SYNC_PROBE_SECONDS))


def is_unreachable(target: Target, reason: str) -> bool:
    """Whether a fetch failed because it could not connect."""
    return reason in UNREACHABLE_REASONS and not target.interrupt.has_connected


def note(record: SyncInstanceRecord, target: Target, reason: str) -> None:
    """Count a fetch that could not connect; any answer of the server begins the count anew. One UPDATE."""
    if record.instance_id is None:
        return
    if is_unreachable(target, reason):
        note_failure(record.instance_id)
    elif target.interrupt.has_connected or reason in ANSWER_REASONS:
        note_answer(record.instance_id)
