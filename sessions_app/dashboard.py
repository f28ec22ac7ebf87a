"""What the dashboard says of sync sessions."""

from __future__ import annotations

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from sessions_app import health
from sessions_app.models import Outcome, SessionStatus, SyncSession
from sessions_app.progress import add_live_counts
from sessions_app.timetable import SyncSchedule
from whalefall.cards import Card, Tone

TONES: dict[str, Tone] = {
    Outcome.CLEAN: "good",
    Outcome.PARTIAL: "warning",
    Outcome.FAILED: "bad",
    Outcome.CANCELLED: "warning",
}

REASONS = {
    health.NEVER_SWEPT: gettext_lazy("no worker has swept yet"),
    health.SWEEP_OVERDUE: gettext_lazy("no worker sweeps"),
    health.UNCLAIMED: gettext_lazy("no worker takes what waits"),
    health.LEASE_LAPSED: gettext_lazy("nobody takes back what a lost worker held"),
}


def cards(request: HttpRequest) -> list[Card]:
    """What runs now, and how the last session of each category ended."""
    if not request.user.has_perm("sessions_app.view_syncsession"):
        return []
    link = reverse("admin:sessions_app_syncsession_changelist")
    running = list(SyncSession.objects.filter(status=SessionStatus.RUNNING).order_by("-started_at"))
    add_live_counts(running)
    shown = [
        Card(
            title=_("Sessions running"),
            value=str(len(running)),
            detail=_running_detail(running),
            link=f"{link}?status__exact=running" if running else link,
            icon="sync",
            tone="live" if running else "neutral",
        )
    ]
    latest = (
        SyncSession.objects.exclude(status=SessionStatus.RUNNING)
        .annotate(
            place=Window(
                RowNumber(), partition_by=[F("sync_category")], order_by=[F("started_at").desc(), F("pk").desc()]
            )
        )
        .filter(place=1)
        .order_by("sync_category")
    )
    return [_health(), *_missed(request), *shown, *(_last(session) for session in latest)]


def _health() -> Card:
    """The reasons of /healthz in words; first of all when they are a failure."""
    found = health.read()
    if found.is_failing:
        return Card(
            title=_("Work stands still"),
            value=ngettext("%d reason", "%d reasons", len(found.reasons)) % len(found.reasons),
            detail=" · ".join(_in_words(reason) for reason in found.reasons),
            icon="heart_broken",
            tone="bad",
            urgent=True,
        )
    if found.sweep is None:
        return Card(title=_("Workers"), value=_("none yet"), detail=str(REASONS[health.NEVER_SWEPT]), icon="ecg_heart")
    detail = _("last sweep %d s ago") % found.sweep
    return Card(title=_("Workers"), value=_("working"), detail=detail, icon="ecg_heart", tone="good")


def _in_words(reason: health.Reason) -> str:
    age = _("for %(seconds)d s, allowed are %(limit)d s") % {"seconds": reason.seconds, "limit": reason.limit}
    return f"{REASONS[reason.reason]} ({age})"


def _missed(request: HttpRequest) -> list[Card]:
    """Schedules that should have started something and did not: nobody would notice by what is shown otherwise."""
    if not request.user.has_perm("sessions_app.view_syncschedule"):
        return []
    late = [schedule for schedule in SyncSchedule.objects.all() if schedule.missed_at]
    if not late:
        return []
    return [
        Card(
            title=_("Schedules that did not run"),
            value=str(len(late)),
            detail=", ".join(schedule.label for schedule in late),
            link=reverse("admin:sessions_app_syncschedule_changelist"),
            icon="alarm_off",
            tone="warning",
            urgent=True,
        )
    ]


def _running_detail(running: list[SyncSession]) -> str:
    if not running:
        return _("nothing is being read")
    counts = [session.counts for session in running]
    waiting = sum(count["pending"] + count["running"] for count in counts)
    return ngettext("%d instance to go", "%d instances to go", waiting) % waiting


def _last(session: SyncSession) -> Card:
    failed = session.failed_instances
    detail = _("%(time)s ago · %(done)d of %(total)d instances") % {
        "time": timesince(session.completed_at or session.started_at, depth=1),
        "done": session.successful_instances,
        "total": session.total_instances,
    }
    if failed:
        detail += " · " + ngettext("%d failed", "%d failed", failed) % failed
    return Card(
        title=_("Last session: %s") % session.get_sync_category_display(),
        value=str(Outcome(session.outcome).label),
        detail=detail,
        link=reverse("admin:sessions_app_syncsession_change", args=[session.pk]),
        icon="fact_check",
        tone=TONES.get(session.outcome, "neutral"),
    )
