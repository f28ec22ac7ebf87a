"""Why a record failed or was skipped, in two or three words."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from whalefall.errors import CATALOGUE, SKIP_TEXTS, UnknownReason

LABELS: dict[str, str | Promise] = {
    "dns": _("Unknown host"),
    "refused": _("Connection refused"),
    "timeout": _("No answer in time"),
    "tls": _("No encrypted connection"),
    "auth": _("Login rejected"),
    "account_locked": _("Account locked"),
    "password_expired": _("Password expired"),
    "credential": _("Credential unusable"),
    "privilege": _("Privilege missing"),
    "database": _("Database missing"),
    "database_closed": _("Database closed"),
    "too_many_connections": _("Too many connections"),
    "restarting": _("Server restarting"),
    "other": _("Other refusal"),
    "protocol": _("Unexpected answer"),
    "version": _("Version not supported"),
    "shrunk": _("Suspiciously short list"),
    "unmeasured": _("No size readable"),
    "outdated": _("Stored state changed"),
    "cancelled": _("Read cancelled"),
    "worker_lost": _("Worker lost"),
    "already_running": _("Already running"),
    "superseded": _("Superseded"),
    "instance_disabled": _("Instance disabled"),
    "credential_suspended": _("Credential suspended"),
    "no_active_database": _("No active database"),
    "no_sizes": _("No sizes"),
    "sizes_not_kept": _("Sizes not kept"),
    "aggregation_disabled": _("Aggregation off"),
    "unavailable": _("Own database unavailable"),
    "DATABASE_CONNECTION_ERROR": _("Connection failed"),  # a code where no reason tells more
    "SYNC_DATA_ERROR": _("No usable answer"),
    "TASK_EXECUTION_FAILED": _("Result not stored"),
    "DATABASE_QUERY_ERROR": _("Own database error"),
    "INTERNAL_ERROR": _("Unexpected error"),
}

CODES = frozenset(error.message_code for error in CATALOGUE)
REASONS = frozenset(error.reason for error in CATALOGUE) | SKIP_TEXTS.keys()  # the empty one, too


def matching(causes: Iterable[str]) -> Q:
    """Records that ended for one of these: a reason, a message code, or exactly both as `CODE/reason`.

    Raises UnknownReason for what no record can have.
    """
    found = Q(pk__in=())
    for cause in causes:
        code, slash, reason = cause.partition("/")
        if slash and code in CODES and reason in REASONS:
            found |= Q(message_code=code, reason=reason)
        elif not slash and cause in CODES:
            found |= Q(message_code=cause)
        elif cause and cause in REASONS:
            found |= Q(reason=cause)
        else:
            raise UnknownReason(unknown=cause, known=", ".join(sorted(LABELS)))
    return found


def label(message_code: str, reason: str) -> str:
    """A short name of a cause; the code itself when there is none."""
    return str(LABELS.get(reason or message_code, reason or message_code.replace("_", " ").capitalize()))
