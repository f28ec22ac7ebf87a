"""The first page: what needs somebody, the numbers of every app, the latest sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from sessions_app.admin import cells
from sessions_app.admin.dialogs import short
from sessions_app.admin.page import outcome_label
from sessions_app.models import SyncSession
from sessions_app.progress import add_live_counts
from whalefall.cards import Card

LATEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One session in the table."""

    session: SyncSession
    name: str
    outcome: str
    tone: str
    progress: str
    duration: str


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's hook: adds what this user may see, by a number of statements that no amount of data changes."""
    cards: list[Card] = [card for path in settings.DASHBOARD_CARDS for card in import_string(path)(request)]
    context["title"] = _("Dashboard")
    context["urgent_cards"] = [card for card in cards if card.urgent]
    context["cards"] = [card for card in cards if not card.urgent]
    context["latest_sessions"] = _latest() if request.user.has_perm("sessions_app.view_syncsession") else []
    return context


def _latest() -> list[Line]:
    sessions = list(SyncSession.objects.defer("summary", "error_summary").order_by("-started_at", "-pk")[:LATEST])
    add_live_counts(sessions)
    return [
        Line(
            session=session,
            name=short(session),
            outcome=outcome_label(session) or session.get_status_display(),
            tone=cells.OUTCOME_TONES.get(session.outcome, "info"),
            progress=cells.progress(session),
            duration=cells.duration(session.duration_seconds),
        )
        for session in sessions
    ]
