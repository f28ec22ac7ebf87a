"""What the page of one session shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from sessions_app import reasons
from sessions_app.admin import cells
from sessions_app.admin.dialogs import short
from sessions_app.models import Outcome, RecordStatus, SyncInstanceRecord, SyncSession
from sessions_app.progress import ErrorGroup, add_live_counts, error_groups
from sessions_app.report import remarks
from whalefall.cards import Card

PER_PAGE = 25
# What an operator looks for comes first.
URGENCY = (
    RecordStatus.FAILED,
    RecordStatus.RUNNING,
    RecordStatus.PENDING,
    RecordStatus.SKIPPED,
    RecordStatus.CANCELLED,
    RecordStatus.COMPLETED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One status to narrow the records by."""

    status: str
    label: str
    count: int
    selected: bool
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a number of records failed."""

    label: str
    cause: str
    message_code: str
    reason: str
    count: int
    example: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record in the table."""

    record: SyncInstanceRecord
    tone: str
    items: str
    duration: str
    cause: str


def outcome_label(session: SyncSession) -> str:
    """How the session ended, in the reader's language."""
    return str(Outcome(session.outcome).label) if session.outcome else ""


def context(request: HttpRequest, session: SyncSession) -> dict[str, Any]:
    """Everything on the page, by a number of statements that does not depend on the number of records."""
    add_live_counts([session])
    counts = session.counts
    wanted = request.GET.get("status", "")
    wanted = wanted if wanted in RecordStatus.values else ""
    records = _page(request, session, wanted)
    return {
        "title": f"{session.get_sync_category_display()} · {short(session)}",
        "session": session,
        "short_id": short(session),
        "status_tone": cells.SESSION_TONES[session.status],
        "outcome": outcome_label(session),
        "outcome_tone": cells.OUTCOME_TONES.get(session.outcome, "default"),
        "bar": cells.bar(counts, session.progress_percentage, _("Progress of the session")),
        "finished": sum(counts.values()) - counts[RecordStatus.PENDING] - counts[RecordStatus.RUNNING],
        "total": sum(counts.values()),
        "duration": cells.duration(session.duration_seconds),
        "tabs": _tabs(counts, wanted),
        "wanted": wanted,
        "records": records,
        "rows": [_row(record) for record in records],
        "elided": records.paginator.get_elided_page_range(records.number, on_each_side=2, on_ends=1),
        "causes": [_cause(group) for group in error_groups(session)],
        "remarks": remarks(session),
        "retry_url": _retry_url(request, session),
        "cards": _cards(request, session),
        "retries": list(session.retries.order_by("pk")),
        "parameters": json.dumps(session.parameters, ensure_ascii=False, indent=2) if session.parameters else "",
        "api_url": reverse("sync-session-detail", args=[session.session_id]),
        "records_url": f"{reverse('admin:sessions_app_syncinstancerecord_changelist')}?session={session.session_id}",
        "api_allowed": request.user.has_perm("sessions_app.view_syncsession"),
    }


def _page(request: HttpRequest, session: SyncSession, wanted: str) -> Page[SyncInstanceRecord]:
    records: QuerySet[SyncInstanceRecord] = session.records.all()
    if wanted:
        records = records.filter(status=wanted)
    urgency = Case(
        *(When(status=status, then=Value(place)) for place, status in enumerate(URGENCY)), output_field=IntegerField()
    )
    # Stable whatever the page: the name is copied into the record and may occur twice, the id may not.
    return Paginator(records.order_by(urgency, "instance_name", "pk"), PER_PAGE).get_page(request.GET.get("page"))


def _tabs(counts: dict[str, int], wanted: str) -> list[Tab]:
    tabs = [Tab(status="", label=_("All"), count=sum(counts.values()), selected=not wanted, tone="default")]
    for status in URGENCY:
        tabs.append(
            Tab(
                status=status,
                label=str(status.label),
                count=counts[status],
                selected=status == wanted,
                tone=cells.RECORD_TONES[status],
            )
        )
    return tabs


def _row(record: SyncInstanceRecord) -> Row:
    spent = ""
    if record.started_at and record.completed_at:
        spent = cells.duration((record.completed_at - record.started_at).total_seconds())
    return Row(
        record=record,
        tone=cells.RECORD_TONES[record.status],
        items=cells.items(record),
        duration=spent,
        cause=reasons.label(record.message_code, record.reason) if record.message_code or record.reason else "",
    )


def _cause(group: ErrorGroup) -> Cause:
    return Cause(
        label=reasons.label(group.message_code, group.reason),
        cause=group.cause,
        message_code=group.message_code,
        reason=group.reason,
        count=group.count,
        example=group.example.error_message,
        hint=group.example.hint,
    )


def _retry_url(request: HttpRequest, session: SyncSession) -> str:
    """Where a retry is asked for; empty for who may not, or while the session runs."""
    if not (session.is_final and request.user.has_perm("sessions_app.retry_syncsession")):
        return ""
    return reverse("admin:sessions_app_syncsession_retry_failed", args=[session.pk])


def _cards(request: HttpRequest, session: SyncSession) -> list[Card]:
    """What other apps have to say of this session, for example how many accounts changed."""
    return [card for path in settings.SESSION_CARDS for card in import_string(path)(request, session)]
