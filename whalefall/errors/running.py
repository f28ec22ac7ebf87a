"""What goes wrong while a session works: stored data, workers, our own database."""

from __future__ import annotations

from whalefall.errors.base import N_, WhaleFallError
from whalefall.errors.requests import ValidationFailed


class SnapshotMissing(WhaleFallError):
    message_code, http_status = "SNAPSHOT_MISSING", 409
    text = N_("No permission snapshot is stored for {account}")


class ReadOutdated(SnapshotMissing):
    reason, transient = "outdated", True
    text = N_("What is stored of {instance} changed while it was read; the next attempt reads it anew")


class PermissionFactsMissing(WhaleFallError):
    message_code, http_status = "PERMISSION_FACTS_MISSING", 409
    text = N_("No permission facts are stored for {account}")


class SyncAlreadyRunning(WhaleFallError):
    message_code, reason, http_status = "SYNC_ALREADY_RUNNING", "already_running", 409
    text = N_("{instance} is already being synchronized by session {session_id}")
    hint = N_("Wait for that session, or cancel it.")


class ScheduleBusy(SyncAlreadyRunning):
    reason = "schedule_busy"
    text = N_("Session {session_id} of the schedule {schedule} is still running")


class SessionFinished(WhaleFallError):
    message_code, http_status = "SESSION_FINISHED", 409
    text = N_("Session {session_id} is already finished: {status}")


class NothingToRetry(ValidationFailed):
    reason = "nothing_to_retry"
    text = N_("Session {session_id} has no matching record to retry")


class WorkerLost(WhaleFallError):
    message_code, reason = "WORKER_LOST", "worker_lost"
    text = N_("The worker was lost {lost_count} times while it worked on this record")
    hint = N_("Look into the worker's log and the machine's memory around the start of the record.")


class TaskExecutionFailed(WhaleFallError):
    message_code = "TASK_EXECUTION_FAILED"
    text = N_("The result could not be stored: {detail}")


class OwnDatabaseError(WhaleFallError):
    message_code = "DATABASE_QUERY_ERROR"
    text = N_("WhaleFall's own database refused a statement: {detail}")


class OwnDatabaseUnavailable(OwnDatabaseError):
    reason, transient = "unavailable", True
    text = N_("WhaleFall's own database was not available: {detail}")


class InternalError(WhaleFallError):
    message_code = "INTERNAL_ERROR"
    text = N_("Unexpected error: {detail}")
    hint = N_("Look for this record in the worker's log and report it.")
