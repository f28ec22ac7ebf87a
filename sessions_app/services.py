"""What people, scripts and schedules can do with sync sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now

from instances.models import Instance, InstanceQuerySet
from sessions_app import categories, engine, records, sessions
from sessions_app.models import (
    MANUAL_PRIORITY,
    OPEN,
    SCHEDULED_PRIORITY,
    RecordStatus,
    SessionStatus,
    SyncInstanceRecord,
    SyncSession,
    SyncType,
)
from sessions_app.purging import purge_sessions
from sessions_app.reasons import matching
from sessions_app.recovery import SweepReport, sweep
from whalefall.errors import (
    CredentialMissing,
    CredentialUnreadable,
    InstanceDisabled,
    NoActiveInstance,
    NothingToRetry,
    OwnDatabaseUnavailable,
    SessionFinished,
    SyncAlreadyRunning,
)

__all__ = ["SweepReport", "cancel_session", "purge_sessions", "retry_session", "start_session", "sweep", "sync_single"]

EXPLICIT = (SyncType.MANUAL_SINGLE, SyncType.MANUAL_BATCH)  # somebody chose these very instances
TRIES = 3
CANCEL_MARGIN_SECONDS = 5  # beyond the longest apply
GOLDEN_RATIO = (5**0.5 - 1) / 2
OF_ONE_RUN = ("force", "follow_up_of")  # parameters that a retry does not take over


@transaction.atomic
def start_session(
    *,
    category: str,
    sync_type: str,
    instances: InstanceQuerySet,
    user: User | None = None,
    parameters: dict[str, Any] | None = None,
    max_attempts: int | None = None,
    retry_of: SyncSession | None = None,
    jitter_seconds: float = 0,
) -> SyncSession:
    """Write a session with one record per active instance and nudge the workers.

    An instance that another session has open gets a skipped record. With a jitter the servers are not all asked at
    once, but each at its own place within that time. Raises UnknownCategory, and NoActiveInstance unless a schedule
    asks.
    """
    is_local = categories.get(category).is_local
    chosen = list(instances.active().select_related("credential").order_by("pk"))
    if not chosen and sync_type != SyncType.SCHEDULED_TASK:
        raise NoActiveInstance
    session = SyncSession.objects.create(
        sync_type=sync_type,
        sync_category=category,
        priority=SCHEDULED_PRIORITY if sync_type == SyncType.SCHEDULED_TASK else MANUAL_PRIORITY,
        max_attempts=max_attempts or settings.SYNC_ATTEMPTS,
        total_instances=len(chosen),
        created_by=user,
        parameters=parameters or {},
        retry_of=retry_of,
    )
    session.refresh_from_db()
    superseded = _supersede(session, chosen) if sync_type in EXPLICIT else set()
    suspended = _suspended(session, chosen)
    _write_records(session, chosen, suspended, jitter_seconds=0 if is_local else jitter_seconds)
    for pk in superseded:
        sessions.finalize(pk)
    if sessions.finalize(session.pk):
        session.refresh_from_db()
    else:
        sessions.nudge()
    return session


def _record(session: SyncSession, instance: Instance, **fields: Any) -> SyncInstanceRecord:
    return SyncInstanceRecord(
        session=session,
        instance=instance,
        instance_name=instance.name,
        sync_category=session.sync_category,
        host_key=instance.host_key,
        **fields,
    )


def _supersede(session: SyncSession, chosen: Sequence[Instance]) -> set[int]:
    """A person's choice goes before what a schedule has not begun; returns the sessions that lost a record."""
    waiting = SyncInstanceRecord.objects.filter(
        sync_category=session.sync_category,
        status=RecordStatus.PENDING,
        session__sync_type=SyncType.SCHEDULED_TASK,
        instance__in=[instance.pk for instance in chosen],
    )
    affected = set(waiting.values_list("session_id", flat=True))
    if affected:
        records.drop(waiting, "superseded", {"session_id": str(session.session_id)})
    return affected


def _suspended(session: SyncSession, chosen: Sequence[Instance]) -> set[int]:
    """Instances whose login was rejected before: schedules and retries leave them alone."""
    if session.sync_type != SyncType.SCHEDULED_TASK and session.retry_of_id is None:
        return set()
    found = set()
    for instance in chosen:
        if instance.rejected_login:
            try:
                if instance.is_suspended(instance.target()):
                    found.add(instance.pk)
            except (CredentialMissing, CredentialUnreadable):
                pass  # the record will say so itself
    return found


def _first_attempt(session: SyncSession, instance: Instance, jitter_seconds: float) -> datetime | None:
    """When an instance is read at the earliest: always at the same place within the jitter, by the database's clock.

    Multiples of the golden ratio spread any run of ids evenly, so that neighbours in the inventory, which often
    share a machine, are far apart.
    """
    if not jitter_seconds:
        return None
    return session.started_at + timedelta(seconds=jitter_seconds * (instance.pk * GOLDEN_RATIO % 1))


def _write_records(
    session: SyncSession, chosen: Sequence[Instance], suspended: set[int], *, jitter_seconds: float
) -> None:
    """An open record for each instance, or a skipped one that says why it could not get one."""
    wanted = [instance for instance in chosen if instance.pk not in suspended]
    holders: dict[int | None, UUID] = {}
    for _ in range(TRIES):  # what was in the way may end before it can be named: then there is room after all
        SyncInstanceRecord.objects.bulk_create(
            [
                _record(session, instance, next_attempt_at=_first_attempt(session, instance, jitter_seconds))
                for instance in wanted
            ],
            ignore_conflicts=True,
        )
        written = set(session.records.values_list("instance_id", flat=True))
        wanted = [instance for instance in wanted if instance.pk not in written]
        if not wanted:
            break
        holders |= dict(
            SyncInstanceRecord.objects.filter(
                sync_category=session.sync_category, status__in=OPEN, instance__in=[instance.pk for instance in wanted]
            ).values_list("instance_id", "session__session_id")
        )
        if all(instance.pk in holders for instance in wanted):
            break
    skipped = {"status": RecordStatus.SKIPPED, "completed_at": session.started_at}
    SyncInstanceRecord.objects.bulk_create(
        _record(
            session,
            instance,
            reason="already_running",
            error_params={"session_id": str(holders.get(instance.pk, ""))},
            **skipped,
        )
        for instance in wanted
    )
    SyncInstanceRecord.objects.bulk_create(
        _record(session, instance, reason="credential_suspended", **skipped)
        for instance in chosen
        if instance.pk in suspended
    )


def sync_single(
    *,
    category: str,
    instance: Instance,
    user: User | None = None,
    parameters: dict[str, Any] | None = None,
) -> SyncInstanceRecord:
    """Synchronize one instance while the caller waits, for SYNC_INLINE_SECONDS at most; then the workers go on.

    Nothing is tried twice: the caller gets the first answer. Raises InstanceDisabled and SyncAlreadyRunning.
    """
    if not instance.is_active or instance.deleted_at is not None:
        raise InstanceDisabled(instance=instance.name)
    with transaction.atomic():
        session = start_session(
            category=category,
            sync_type=SyncType.MANUAL_SINGLE,
            instances=Instance.objects.filter(pk=instance.pk),
            user=user,
            parameters=parameters,
            max_attempts=1,
        )
        record = session.records.get()
        if record.reason == "already_running":
            other = record.error_params["session_id"]
            raise SyncAlreadyRunning(instance=instance.name, session_id=other, extra={"session_id": other})
    engine.run(session=session, seconds=settings.SYNC_INLINE_SECONDS)
    return SyncInstanceRecord.objects.select_related("session", "instance").get(pk=record.pk)


def cancel_session(session: SyncSession) -> SyncSession:
    """running → cancelled at once, with every open record; what is read afterwards is dropped.

    Waits for applies in flight, little longer than SYNC_APPLY_SECONDS, after which it raises OwnDatabaseUnavailable
    and has changed nothing. Again is no error; SessionFinished when it had ended.
    """
    try:
        _cancel(session)
    except OperationalError as error:
        raise OwnDatabaseUnavailable(detail="a result is still being stored; cancel again in a minute") from error
    session.refresh_from_db()
    if session.status != SessionStatus.CANCELLED:
        raise SessionFinished(
            session_id=session.session_id, status=session.status, extra={"session_id": str(session.session_id)}
        )
    return session


def _cancel(session: SyncSession) -> None:
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                patience = f"{settings.SYNC_APPLY_SECONDS + CANCEL_MARGIN_SECONDS}s"
                cursor.execute(
                    "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
                    [patience] * 2,
                )
        cancelled = SyncSession.objects.filter(pk=session.pk, status=SessionStatus.RUNNING).update(
            status=SessionStatus.CANCELLED, completed_at=Now(), updated_at=Now()
        )
        if cancelled:
            mine = SyncInstanceRecord.objects.filter(session=session.pk, status__in=OPEN)
            list(mine.select_for_update().order_by("pk").values_list("pk"))  # waits for applies, in the order of keys
            mine.update(status=RecordStatus.CANCELLED, completed_at=Now(), next_attempt_at=None, **records.NO_LEASE)
            SyncSession.objects.filter(pk=session.pk).update(**sessions.freeze(session.pk))


def retry_session(
    session: SyncSession,
    *,
    statuses: Sequence[str] = (RecordStatus.FAILED,),
    reasons: Sequence[str] | None = None,
    user: User | None = None,
) -> SyncSession:
    """A new session over the instances whose records ended so, linked by retry_of; `reasons` as matching() has them.

    Raises UnknownReason, NothingToRetry.
    """
    wanted = session.records.filter(status__in=statuses)
    if reasons is not None:
        wanted = wanted.filter(matching(reasons))
    instances = Instance.objects.filter(pk__in=wanted.values("instance_id"))
    if not instances.active().exists():
        raise NothingToRetry(session_id=session.session_id)
    return start_session(
        category=session.sync_category,
        sync_type=SyncType.MANUAL_BATCH,
        instances=instances,
        user=user,
        parameters={name: value for name, value in session.parameters.items() if name not in OF_ONE_RUN},
        retry_of=session,
    )
