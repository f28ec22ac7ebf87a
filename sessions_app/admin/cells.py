"""How statuses, progress and times look, in lists and on pages."""

from __future__ import annotations

from collections.abc import Mapping

from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sessions_app.models import Outcome, RecordStatus, SessionStatus, SyncInstanceRecord, SyncSession

SESSION_TONES: dict[str, str] = {
    SessionStatus.RUNNING: "info",
    SessionStatus.COMPLETED: "success",
    SessionStatus.FAILED: "danger",
    SessionStatus.CANCELLED: "warning",
}
OUTCOME_TONES: dict[str, str] = {
    Outcome.CLEAN: "success",
    Outcome.PARTIAL: "warning",
    Outcome.FAILED: "danger",
    Outcome.CANCELLED: "warning",
    Outcome.EMPTY: "default",
}
RECORD_TONES: dict[str, str] = {
    RecordStatus.PENDING: "default",
    RecordStatus.RUNNING: "info",
    RecordStatus.COMPLETED: "success",
    RecordStatus.FAILED: "danger",
    RecordStatus.CANCELLED: "warning",
    RecordStatus.SKIPPED: "default",
}
# What a progress bar shows, from left to right.
SEGMENTS = (RecordStatus.COMPLETED, RecordStatus.FAILED, RecordStatus.CANCELLED, RecordStatus.SKIPPED)


def duration(seconds: float) -> str:
    """`4.2 s`, `1:05 min`, `2:03:09 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def bar(counts: Mapping[str, int], percentage: int, label: str) -> SafeString:
    """A progress bar in segments; screen readers hear the percentage and what it is of."""
    total = sum(counts.values()) or 1
    segments = format_html_join(
        "",
        '<span class="wf-bar-{}" style="width:{}%"></span>',
        ((status, f"{100 * counts[status] / total:.2f}") for status in SEGMENTS if counts[status]),
    )
    return format_html(
        '<div class="wf-bar" role="progressbar" aria-label="{}" aria-valuemin="0" aria-valuemax="100"'
        ' aria-valuenow="{}">{}</div>',
        label,
        percentage,
        segments,
    )


def progress(session: SyncSession) -> SafeString:
    """Bar and numbers of a session in one table cell."""
    counts = session.counts
    total = sum(counts.values())
    finished = total - counts[RecordStatus.PENDING] - counts[RecordStatus.RUNNING]
    parts = [f"{finished} / {total}"]
    if failed := counts[RecordStatus.FAILED]:
        parts.append(ngettext("%d failed", "%d failed", failed) % failed)
    if skipped := counts[RecordStatus.SKIPPED]:
        parts.append(ngettext("%d skipped", "%d skipped", skipped) % skipped)
    if cancelled := counts[RecordStatus.CANCELLED]:
        parts.append(ngettext("%d cancelled", "%d cancelled", cancelled) % cancelled)
    return format_html(
        '<div class="wf-progress"{}>{}<span class="wf-numbers">{}</span></div>',
        "" if session.is_final else mark_safe(" data-running"),
        bar(counts, session.progress_percentage, _("Progress")),
        " · ".join(parts),
    )


def badge(tone: str, text: str) -> SafeString:
    """A status as lists show it, for pages that know no badges."""
    return render_to_string("unfold/helpers/label.html", {"type": tone, "text": text})


def items(record: SyncInstanceRecord) -> SafeString | str:
    """How many were read, and what changed: `120 +3 ~1 −2`."""
    if record.status != RecordStatus.COMPLETED:
        return "—"
    changes = (
        ("wf-plus", "+", _("created"), record.items_created),
        ("wf-change", "~", _("changed"), record.items_updated),
        ("wf-minus", "−", _("deleted"), record.items_deleted),
    )
    return format_html(
        '<span class="wf-items">{}{}</span>',
        record.items_synced,
        format_html_join(
            "",
            ' <span class="{}" title="{}">{}{}</span>',
            ((css, title, sign, number) for css, sign, title, number in changes if number),
        ),
    )
