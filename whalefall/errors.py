"""Every failure that WhaleFall anticipates: one class each, with its code, text and HTTP status.

A leaf: it knows no Django, so that `dbms` and plain scripts can use it. Texts are English templates marked for
translation; rows store `message_code`, `reason` and `params`, and admin and API translate when they render.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


def N_(text: str) -> str:
    """Mark a text for translation without translating it."""
    return text


class WhaleFallError(Exception):
    """An anticipated failure. Keyword arguments are the parameters of its text."""

    message_code: ClassVar[str] = "INTERNAL_ERROR"
    reason: ClassVar[str] = ""
    http_status: ClassVar[int] = 500
    text: ClassVar[str] = N_("Unexpected error: {detail}")
    hint: ClassVar[str] = ""
    transient: ClassVar[bool] = False  # worth trying again by itself

    def __init__(self, *, extra: Mapping[str, Any] | None = None, **params: Any) -> None:
        self.params: dict[str, Any] = {"detail": "", **params}
        self.extra: dict[str, Any] = dict(extra or {})
        super().__init__(self.text.format_map(self.params))


# Requests and stored data ---------------------------------------------------------------------------------------


class InvalidRequest(WhaleFallError):
    message_code, http_status = "INVALID_REQUEST", 400
    text = N_("The request cannot be processed: {detail}")


class ValidationFailed(WhaleFallError):
    message_code, http_status = "VALIDATION_ERROR", 400
    text = N_("Invalid input: {detail}")


class PageTooDeep(ValidationFailed):
    reason = "page_too_deep"
    text = N_("Page {page} with limit {limit} lies behind the first {most} items")
    hint = N_("Narrow the filter, or use an export or updated_since.")


class NoActiveInstance(ValidationFailed):
    reason = "no_active_instance"
    text = N_("There is no active instance to synchronize")
    hint = N_("Register an instance, activate one, or widen the filter.")


class InstanceDisabled(ValidationFailed):
    reason = "instance_disabled"
    text = N_("Instance {instance} is disabled")
    hint = N_("Activate the instance first.")


class UnknownCategory(ValidationFailed):
    reason = "unknown_category"
    text = N_("Category {category} cannot be started; known are: {known}")


class UnknownReason(ValidationFailed):
    reason = "unknown_reason"
    text = N_("Nothing ends for the reason {unknown}; known are: {known}")


class InvalidCron(ValidationFailed):
    reason = "invalid_cron"
    text = N_("{cron} is no cron expression that ever comes due")
    hint = N_("Five fields: minute, hour, day, month, weekday (0 or 7 is Sunday); for example 30 1 * * 1-5.")


class ScheduleFixed(ValidationFailed):
    reason = "schedule_fixed"
    text = N_("The schedule {schedule} can be neither changed nor paused")
    hint = N_("Everything else relies on it; its interval is part of the engine.")


class AggregationDisabled(WhaleFallError):
    message_code, http_status = "AGGREGATION_DISABLED", 200
    text = N_("The aggregation of sizes is switched off")
    hint = N_("Set AGGREGATION_ENABLED to switch it on.")


class RequestDataEmpty(WhaleFallError):
    message_code, http_status = "REQUEST_DATA_EMPTY", 400
    text = N_("The request has no content")


class AuthenticationRequired(WhaleFallError):
    message_code, http_status = "AUTHENTICATION_REQUIRED", 401
    text = N_("Log in or send an API token")


class InvalidCredentials(WhaleFallError):
    message_code, http_status = "INVALID_CREDENTIALS", 401
    text = N_("The login or the API token is not valid")


class PermissionRequired(WhaleFallError):
    message_code, http_status = "PERMISSION_REQUIRED", 403
    text = N_("Your role does not allow this")
    hint = N_("Ask an administrator for the operator or admin role.")


class CsrfMissing(WhaleFallError):
    message_code, http_status = "CSRF_MISSING", 403
    text = N_("The CSRF token is missing")
    hint = N_("Send the csrftoken cookie's value as X-CSRFToken.")


class CsrfInvalid(WhaleFallError):
    message_code, http_status = "CSRF_INVALID", 403
    text = N_("The CSRF token is not valid")
    hint = N_("Send the csrftoken cookie's value as X-CSRFToken.")


class NotFound(WhaleFallError):
    message_code, http_status = "RESOURCE_NOT_FOUND", 404
    text = N_("{what} not found: {name}")


class UnknownInstance(NotFound):
    reason = "unknown_instance"
    text = N_("Instance not found: {name}")
    hint = N_("Similar names: {similar}")


class ConstraintViolation(WhaleFallError):
    message_code, http_status = "CONSTRAINT_VIOLATION", 409
    text = N_("The change contradicts stored data: {detail}")


class NameExists(WhaleFallError):
    message_code, http_status = "NAME_EXISTS", 400
    text = N_("The name {name} is already in use")
    hint = N_("Choose another name; what lies in the recycle bin keeps its name.")


class CredentialInUse(WhaleFallError):
    message_code, http_status = "CREDENTIAL_IN_USE", 409
    text = N_("Credential {name} is used by {count} instances")
    hint = N_("Give these instances another credential first.")


class TagInUse(WhaleFallError):
    message_code, http_status = "TAG_IN_USE", 409
    text = N_("Tag {name} is used by {count} instances")
    hint = N_("Remove the tag from these instances first.")


class ClassificationInUse(WhaleFallError):
    message_code, http_status = "CLASSIFICATION_IN_USE", 409
    text = N_("The account class {name} has {rules} rules and {assignments} accounts")
    hint = N_("Delete its rules and withdraw what was assigned by hand; the next run takes the accounts out.")


class SystemClassification(WhaleFallError):
    message_code, http_status = "SYSTEM_CLASSIFICATION", 400
    text = N_("{name} is one of the product's own account classes: {detail}")


class DslV4Required(WhaleFallError):
    message_code, http_status = "DSL_V4_REQUIRED", 400
    text = N_("The expression is not written in DSL version 4 or 5: {detail}")


class InvalidDslExpression(WhaleFallError):
    message_code, http_status = "INVALID_DSL_EXPRESSION", 400
    text = N_("The expression is not valid: {detail}")


class ExpressionDuplicated(WhaleFallError):
    message_code, http_status = "EXPRESSION_DUPLICATED", 400
    text = N_("The rule {name} of the same account class says the same already")


class CredentialMissing(WhaleFallError):
    message_code, reason, http_status = "CREDENTIAL_MISSING", "credential", 409
    text = N_("Instance {instance} has no active credential")
    hint = N_("Choose an active credential for the instance.")


class CredentialUnreadable(WhaleFallError):
    message_code, reason, http_status = "CREDENTIAL_UNREADABLE", "credential", 409
    text = N_("The password of credential {credential} cannot be decrypted")
    hint = N_("Restore the key it was encrypted with in WHALEFALL_ENCRYPTION_KEYS, or enter the password again.")


class RateLimitExceeded(WhaleFallError):
    message_code, http_status = "RATE_LIMIT_EXCEEDED", 429
    text = N_("Too many requests")


# What a remote server answers -----------------------------------------------------------------------------------


class RemoteError(WhaleFallError):
    """A database server, or the way to it, refused. Parameters: host, port, username, detail."""

    http_status = 409


class ConnectionFailed(RemoteError):
    message_code = "DATABASE_CONNECTION_ERROR"
    text = N_("Cannot connect to {host}:{port}: {detail}")


class UnknownHost(ConnectionFailed):
    reason, transient = "dns", True
    text = N_("The host name {host} cannot be resolved")
    hint = N_("Check the spelling and the name servers of the worker's machine.")


class ConnectionRefused(ConnectionFailed):
    reason, transient = "refused", True
    text = N_("{host}:{port} refuses connections: {detail}")
    hint = N_("Check host, port and firewall, and that the server is running.")


class TlsFailed(ConnectionFailed):
    reason = "tls"
    text = N_("No acceptable encrypted connection to {host}:{port}: {detail}")
    hint = N_("Check the instance's TLS mode and CA against what the server offers.")


class LoginRejected(ConnectionFailed):
    reason = "auth"
    text = N_("{host}:{port} rejects the login of {username}")
    hint = N_("Check user name and password of the credential, and that the server lets this client's address in.")


class AccountLocked(ConnectionFailed):
    reason = "account_locked"
    text = N_("The account {username} cannot log in to {host}:{port}: it is locked or may not log in")
    hint = N_("Unlock the account on the server, or use another credential.")


class DatabaseMissing(ConnectionFailed):
    """More parameters: database."""

    reason = "database"
    text = N_("There is no usable database {database} on {host}:{port}: {detail}")
    hint = N_("Name another database in the instance.")


class DatabaseClosed(ConnectionFailed):
    """More parameters: database, statement."""

    reason = "database_closed"
    text = N_("The database {database} on {host}:{port} accepts no connections")
    hint = N_("Name another database in the instance, or open this one to connections: {statement}")


class ConnectDenied(ConnectionFailed):
    """More parameters: database, statement."""

    reason = "privilege"
    text = N_("{username} may not connect to the database {database} on {host}:{port}")
    hint = N_("Name another database in the instance, or grant what is missing: {statement}")


class TooManyConnections(ConnectionFailed):
    reason, transient = "too_many_connections", True
    text = N_("{host}:{port} has no connection left for {username}: {detail}")
    hint = N_("Close idle connections, or raise the limit of the server, the database or the account, as it says.")


class ServerRestarting(ConnectionFailed):
    reason, transient = "restarting", True
    text = N_("{host}:{port} ends its connections or accepts none yet: {detail}")
    hint = N_("Wait until the server has started; if it stays so, look into its log.")


class ConnectionUnexplained(ConnectionFailed):
    reason = "other"
    text = N_("Cannot connect to {host}:{port}: {detail}")
    hint = N_("Try the same login with the server's own client, and look into the server's log at this moment.")


class RemoteTimeout(RemoteError):
    message_code, reason, transient = "DATABASE_TIMEOUT", "timeout", True
    text = N_("{host}:{port} did not answer in time: {detail}")
    hint = N_("Check the server's load and the network, or raise the instance's time-outs.")


class FetchCancelled(RemoteError):
    message_code, reason = "DATABASE_TIMEOUT", "cancelled"
    text = N_("Reading {host}:{port} was cancelled")


class SyncDataError(RemoteError):
    message_code = "SYNC_DATA_ERROR"
    text = N_("{host}:{port} gave no usable answer: {detail}")


class PrivilegeMissing(SyncDataError):
    reason = "privilege"
    text = N_("{username} lacks a privilege on {host}:{port}: {detail}")
    hint = N_("Grant the monitoring account what the connection test lists as missing.")


class ProtocolViolation(SyncDataError):
    reason, transient = "protocol", True
    text = N_("{host}:{port} broke off or answered unexpectedly: {detail}")
    hint = N_("Check that the port belongs to a server of this kind and that the connection is stable.")


class VersionUnsupported(SyncDataError):
    reason = "version"
    text = N_("{host}:{port} runs version {version}; the oldest supported is {minimum}")
    hint = N_("Upgrade the server, or disable the instance.")


class AnswerUnexplained(SyncDataError):
    reason = "other"
    text = N_("{host}:{port} gave no usable answer: {detail}")
    hint = N_("Look into the server's log at this moment; if the server is well, report the error.")


class AccountListShrunk(SyncDataError):
    reason = "shrunk"
    text = N_("{instance} reported {after} accounts after {before}; nothing was changed")
    hint = N_("Check what the monitoring account may see; if this is true, run the synchronization again with force.")


class NothingMeasured(SyncDataError):
    reason = "unmeasured"
    text = N_("No database of {instance} could be measured: {detail}")
    hint = N_("Grant the monitoring account what the connection test lists as missing.")


# Sessions -------------------------------------------------------------------------------------------------------


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


CATALOGUE: tuple[type[WhaleFallError], ...] = (
    InvalidRequest, ValidationFailed, PageTooDeep, NoActiveInstance, InstanceDisabled, UnknownCategory, UnknownReason,
    InvalidCron, ScheduleFixed, AggregationDisabled,
    RequestDataEmpty, AuthenticationRequired, InvalidCredentials, PermissionRequired, CsrfMissing, CsrfInvalid,
    NotFound, UnknownInstance, ConstraintViolation, NameExists, CredentialInUse, TagInUse,
    ClassificationInUse, SystemClassification, DslV4Required, InvalidDslExpression, ExpressionDuplicated,
    CredentialMissing,
    CredentialUnreadable, RateLimitExceeded, ConnectionFailed, UnknownHost, ConnectionRefused, TlsFailed,
    LoginRejected, AccountLocked, DatabaseMissing, DatabaseClosed, ConnectDenied, TooManyConnections,
    ServerRestarting, ConnectionUnexplained, RemoteTimeout, FetchCancelled, SyncDataError, PrivilegeMissing,
    ProtocolViolation, VersionUnsupported, AnswerUnexplained, AccountListShrunk, NothingMeasured,
    SnapshotMissing, ReadOutdated, PermissionFactsMissing, SyncAlreadyRunning, ScheduleBusy, SessionFinished,
    NothingToRetry, WorkerLost, TaskExecutionFailed, OwnDatabaseError, OwnDatabaseUnavailable, InternalError,
)  # fmt: skip


# Why a record was skipped: not failures, but shown beside them.
SKIP_TEXTS: dict[str, str] = {
    "already_running": N_("Already being synchronized by session {session_id}"),
    "superseded": N_("Superseded by session {session_id}"),
    "instance_disabled": N_("The instance was disabled or deleted meanwhile"),
    "no_active_database": N_("The server has no database that is not hidden"),
    "no_sizes": N_("No size was measured in these periods"),
    "aggregation_disabled": N_("The aggregation of sizes is switched off"),
    "credential_suspended": N_("The credential was rejected before; it is suspended until it or the instance changes"),
}
