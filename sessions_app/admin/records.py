"""Every instance's part in every session: to search across sessions."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    AllValuesCheckboxFilter,
    ChoicesCheckboxFilter,
    RangeDateFilter,
)
from unfold.decorators import display

from sessions_app import reasons
from sessions_app.admin import cells
from sessions_app.admin.dialogs import session_link
from sessions_app.admin.filters import ReasonFilter, SessionFilter
from sessions_app.admin.readonly import ReadOnlyAdmin
from sessions_app.models import SyncInstanceRecord


@admin.register(SyncInstanceRecord)
class RecordPage(ReadOnlyAdmin):
    """Records, read-only."""

    list_display = ("instance_name", "in_session", "state", "cause", "attempts", "items", "started_at", "took")
    list_filter = (
        SessionFilter,
        ("status", ChoicesCheckboxFilter),
        ("sync_category", ChoicesCheckboxFilter),
        ("message_code", AllValuesCheckboxFilter),
        ReasonFilter,
        ("started_at", RangeDateFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    list_select_related = ("session",)
    search_fields = ("instance_name",)
    search_help_text = _("Instance name")
    ordering = ("-pk",)
    show_full_result_count = False
    change_form_template = "sessions_app/record.html"
    fieldsets = (
        (None, {"fields": ("instance", "in_session", "badge", "message", "advice")}),
        (
            _("Work"),
            {"fields": ("attempts", "lost_count", "worker", "started_at", "completed_at", "took", "next_attempt_at")},
        ),
        (_("Items"), {"fields": ("items_synced", "items_created", "items_updated", "items_deleted")}),
        (_("Details"), {"fields": ("message_code", "reason", "details")}),
    )
    readonly_fields = ("in_session", "badge", "message", "advice", "took", "details")

    @display(description=_("session"), ordering="session")
    def in_session(self, record: SyncInstanceRecord) -> str:
        return session_link(record.session)

    @display(description=_("status"), ordering="status", label={**cells.RECORD_TONES, "cancelling": "warning"})
    def state(self, record: SyncInstanceRecord) -> tuple[str, str]:
        if record.is_cancelling:
            return "cancelling", str(_("Cancelling"))
        return record.status, record.get_status_display()

    @display(description=_("cause"), empty_value="—")
    def cause(self, record: SyncInstanceRecord) -> str | None:
        if not (record.message_code or record.reason):
            return None
        return format_html(
            '<span title="{}">{}</span>', record.error_message, reasons.label(record.message_code, record.reason)
        )

    @display(description=_("items"))
    def items(self, record: SyncInstanceRecord) -> str:
        return cells.items(record)

    @display(description=_("duration"), empty_value="—")
    def took(self, record: SyncInstanceRecord) -> str | None:
        if record.started_at is None or record.completed_at is None:
            return None
        return cells.duration((record.completed_at - record.started_at).total_seconds())

    @display(description=_("status"))
    def badge(self, record: SyncInstanceRecord) -> str:
        status, text = self.state(record)
        return cells.badge(cells.RECORD_TONES.get(status, "warning"), text)

    @display(description=_("message"), empty_value="—")
    def message(self, record: SyncInstanceRecord) -> str | None:
        return record.error_message or None

    @display(description=_("what helps"), empty_value="—")
    def advice(self, record: SyncInstanceRecord) -> str | None:
        return record.hint or None

    @display(description=_("details"), empty_value="—")
    def details(self, record: SyncInstanceRecord) -> str | None:
        if not record.sync_details:
            return None
        shown = json.dumps(record.sync_details, ensure_ascii=False, indent=2, sort_keys=True)
        return format_html('<pre class="wf-json">{}</pre>', shown)
