"""The session center: the list of sessions, and the page of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, RangeDateFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.views import ChangeList

from sessions_app import services
from sessions_app.admin import cells, page
from sessions_app.admin.dialogs import RetryDialog, attempt, go, session_url, short
from sessions_app.admin.filters import OutcomeFilter
from sessions_app.admin.readonly import ReadOnlyAdmin
from sessions_app.models import RecordStatus, SyncSession
from sessions_app.progress import add_live_counts


class SessionList(ChangeList):
    """Counts the records of the running sessions on the page, and of no others."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[SyncSession] = list(self.result_list)
        add_live_counts(self.result_list)


@admin.register(SyncSession)
class SessionPage(ReadOnlyAdmin):
    """Sessions to watch, cancel and retry."""

    list_display = ("name", "sync_category", "state", "result", "progress", "started_at", "took", "started_by")
    list_display_links = ("name",)
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        OutcomeFilter,
        ("sync_category", ChoicesCheckboxFilter),
        ("sync_type", ChoicesCheckboxFilter),
        ("started_at", RangeDateFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 25
    list_select_related = ("created_by",)
    list_after_template = "sessions_app/follow_list.html"
    search_fields = ("session_id", "records__instance_name")
    search_help_text = _("Session id or instance name")
    ordering = ("-started_at", "-pk")
    show_full_result_count = False
    fields = ()
    actions_detail = ("retry_failed", "cancel")
    change_form_template = "sessions_app/session.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SessionList

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncSession]:
        return super().get_queryset(request).defer("summary", "error_summary")  # type: ignore[no-any-return]

    @display(description=_("session"), header=True, ordering="started_at")
    def name(self, session: SyncSession) -> tuple[str, str]:
        return short(session), session.get_sync_type_display()

    @display(description=_("status"), ordering="status", label=cells.SESSION_TONES)
    def state(self, session: SyncSession) -> tuple[str, str]:
        return session.status, session.get_status_display()

    @display(description=_("outcome"), label=cells.OUTCOME_TONES)
    def result(self, session: SyncSession) -> tuple[str, str] | None:
        return (session.outcome, page.outcome_label(session)) if session.outcome else None

    @display(description=_("progress"))
    def progress(self, session: SyncSession) -> str:
        return cells.progress(session)

    @display(description=_("duration"))
    def took(self, session: SyncSession) -> str:
        return cells.duration(session.duration_seconds)

    @display(description=_("started by"), ordering="created_by__username", empty_value="—")
    def started_by(self, session: SyncSession) -> str | None:
        return session.created_by.get_username() if session.created_by else None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        session = self.get_object(request, unquote(object_id))
        if session is None or not self.has_view_permission(request, session):
            return super().change_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return]
        shown = page.context(request, session)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})  # type: ignore[no-any-return]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only the buttons that make sense now, of those that the user's role allows."""
        session = self.get_object(request, unquote(str(object_id)))
        sensible: dict[str, Callable[[SyncSession], bool]] = {
            "cancel": lambda session: not session.is_final,
            "retry_failed": lambda session: session.is_final and session.counts[RecordStatus.FAILED] > 0,
        }
        return [
            button
            for button in super().get_actions_detail(request, object_id)
            if session is not None and sensible[button.method.original_function_name](session)
        ]

    # Methods, not dotted names: unfold looks those up in the database when Django checks itself, even before the
    # very first migration.
    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("sessions_app.cancel_syncsession")

    def has_retry_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("sessions_app.retry_syncsession")

    @action(
        description=_("Cancel session"),
        icon="cancel",
        variant=ActionVariant.DANGER,
        permissions=["cancel"],
        dialog={
            "title": _("Cancel this session?"),
            "description": _(
                "Instances that wait are left out, and what is being read is dropped. What was completed stays."
            ),
            "form_submit_text": _("Yes, cancel the session"),
            "form_class": None,
        },
    )
    def cancel(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        session = self._chosen(request, object_id)
        if session is None:
            return go(request, reverse("admin:sessions_app_syncsession_changelist"))
        attempt(request, lambda: services.cancel_session(session), str(_("Session {session} is cancelled")))
        return go(request, session_url(session))

    @action(
        description=_("Retry failed"),
        icon="replay",
        variant=ActionVariant.PRIMARY,
        permissions=["retry"],
        dialog={
            "title": _("Retry the failed instances?"),
            "description": _("A new session starts over the instances that failed in this one."),
            "form_submit_text": _("Start the retry"),
            "form_class": RetryDialog,
        },
    )
    def retry_failed(self, request: HttpRequest, form: RetryDialog, object_id: str) -> HttpResponse:
        session = self._chosen(request, object_id)
        if session is None:
            return go(request, reverse("admin:sessions_app_syncsession_changelist"))
        started = attempt(
            request,
            lambda: services.retry_session(
                session,
                reasons=form.cleaned_data["reasons"] or None,
                user=request.user,  # type: ignore[arg-type]
            ),
            str(_("Session {session} tries the failed instances again")),
        )
        return go(request, session_url(started or session))

    def _chosen(self, request: HttpRequest, object_id: str) -> SyncSession | None:
        session: SyncSession | None = self.get_object(request, unquote(object_id))
        return session
