"""The schedules in the session center: when they come due, what became of it, and what people may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import date
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from sessions_app import cron, schedules
from sessions_app.admin import cells, page
from sessions_app.admin.dialogs import go, session_link
from sessions_app.timetable import SyncSchedule
from whalefall.errors import InvalidCron, WhaleFallError
from whalefall.messages import hint, render_error

TONES = {"active": "success", "paused": "default", "late": "danger"}
LIST = "admin:sessions_app_syncschedule_changelist"


class ScheduleForm(ModelForm):
    """The times alone."""

    cron = forms.CharField(
        label=_("Times (cron)"),
        max_length=cron.LONGEST,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Minute, hour, day, month, weekday (0 or 7 is Sunday), in the time zone of this installation."),
    )

    class Meta:
        model = SyncSchedule
        fields = ("cron",)

    def clean_cron(self) -> str:
        try:
            return cron.check(self.cleaned_data["cron"])
        except InvalidCron as error:
            raise forms.ValidationError(_said(error)) from error


@admin.register(SyncSchedule)
class SchedulePage(ModelAdmin):
    """Schedules to watch, edit, pause and run."""

    form = ScheduleForm
    actions = None
    list_display = ("title", "times", "state", "upcoming", "started", "result", "trouble")
    list_display_links = ("title",)
    list_select_related = ("last_session", "blocked_by")
    list_fullwidth = True
    ordering = ("next_run", "key")
    fields = ("times", "cron", "state_badge", "upcoming", "started", "result_badge", "trouble")
    readonly_fields = ("times", "state_badge", "upcoming", "started", "result_badge", "trouble")
    actions_detail = ("run_now", "pause", "resume")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        editable = obj is None or obj.is_editable
        return bool(editable and super().has_change_permission(request, obj))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for name in self.fields if name != "cron" or obj is None or obj.is_editable]

    # Methods, not dotted names: unfold looks those up in the database when Django checks itself.
    def has_switch_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("sessions_app.change_syncschedule")

    def has_run_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("instances.run_sync")

    def save_model(self, request: HttpRequest, obj: SyncSchedule, form: Any, change: bool) -> None:
        schedules.edit(obj, cron_text=form.cleaned_data["cron"])

    # What is shown ------------------------------------------------------------------------------------------------

    @display(description=_("schedule"), ordering="key")
    def title(self, schedule: SyncSchedule) -> str:
        return schedule.label

    @display(description=_("comes due"))
    def times(self, schedule: SyncSchedule) -> str:
        return schedule.words

    @display(description=_("state"), label=TONES)
    def state(self, schedule: SyncSchedule) -> tuple[str, str]:
        if schedule.missed_at:
            return "late", _now("Did not run")
        return ("paused", _now("Paused")) if schedule.is_paused else ("active", _now("Active"))

    @display(description=_("state"))
    def state_badge(self, schedule: SyncSchedule) -> str:
        state, text = self.state(schedule)
        return cells.badge(TONES[state], text)

    @display(description=_("next run"), ordering="next_run", empty_value="—")
    def upcoming(self, schedule: SyncSchedule) -> str | None:
        return _time(schedule.upcoming)

    @display(description=_("last session"), empty_value="—")
    def started(self, schedule: SyncSchedule) -> str | None:
        session = schedule.last_session
        return format_html("{} · {}", session_link(session), _time(session.started_at)) if session else None

    @display(description=_("outcome"), label=cells.OUTCOME_TONES | cells.SESSION_TONES)
    def result(self, schedule: SyncSchedule) -> tuple[str, str] | None:
        session = schedule.last_session
        if session is None:
            return None
        return session.outcome or session.status, page.outcome_label(session) or session.get_status_display()

    @display(description=_("outcome"), empty_value="—")
    def result_badge(self, schedule: SyncSchedule) -> str | None:
        if (shown := self.result(schedule)) is None:
            return None
        return cells.badge((cells.OUTCOME_TONES | cells.SESSION_TONES)[shown[0]], shown[1])

    @display(description=_("remarks"), empty_value="—")
    def trouble(self, schedule: SyncSchedule) -> str | None:
        if schedule.blocked_by and schedule.last_due_at:
            return format_html(
                _now("Not started at {time}: session {session} was still running."),
                time=_time(schedule.last_due_at),
                session=session_link(schedule.blocked_by),
            )
        if missed := schedule.missed_at:
            return _now("Should have started at {time}. Does a worker run?").format(time=_time(missed))
        return None

    # What people do -----------------------------------------------------------------------------------------------

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only the buttons that make sense now, of those that the user's role allows."""
        schedule = self.get_object(request, unquote(str(object_id)))
        sensible: dict[str, Callable[[SyncSchedule], bool]] = {
            "run_now": lambda schedule: True,
            "pause": lambda schedule: schedule.is_editable and not schedule.is_paused,
            "resume": lambda schedule: schedule.is_editable and schedule.is_paused,
        }
        return [
            button
            for button in super().get_actions_detail(request, object_id)
            if schedule is not None and sensible[button.method.original_function_name](schedule)
        ]

    @action(
        description=_("Run now"),
        url_path="run-now",
        icon="play_arrow",
        variant=ActionVariant.PRIMARY,
        permissions=["run"],
        dialog={
            "title": _("Run this schedule now?"),
            "description": _("It starts at once, over all active instances; its own times stay as they are."),
            "form_submit_text": _("Run now"),
            "form_class": None,
        },
    )
    def run_now(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        def run(schedule: SyncSchedule) -> str:
            session = schedules.run(schedule, user=request.user)  # type: ignore[arg-type]
            if session is None:
                return _now("The workers do it now")
            return format_html(_now("Session {session} has started"), session=session_link(session))

        return self._do(request, object_id, run)

    @action(description=_("Pause"), icon="pause", permissions=["switch"], dialog={
        "title": _("Pause this schedule?"),
        "description": _("Nothing starts by it until somebody resumes it. What runs goes on."),
        "form_submit_text": _("Pause"),
        "form_class": None,
    })  # fmt: skip
    def pause(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        def pause(schedule: SyncSchedule) -> str:
            schedules.pause(schedule)
            return _now("The schedule is paused")

        return self._do(request, object_id, pause)

    @action(description=_("Resume"), icon="resume", permissions=["switch"], dialog={
        "title": _("Resume this schedule?"),
        "description": _("It goes on at its next time; what it left out is not made up for."),
        "form_submit_text": _("Resume"),
        "form_class": None,
    })  # fmt: skip
    def resume(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        def resume(schedule: SyncSchedule) -> str:
            schedules.resume(schedule)
            return _now("The schedule goes on")

        return self._do(request, object_id, resume)

    def _do(self, request: HttpRequest, object_id: str, call: Callable[[SyncSchedule], str]) -> HttpResponse:
        schedule = self.get_object(request, unquote(object_id))
        if schedule is None:
            return go(request, reverse(LIST))
        try:
            messages.success(request, call(schedule))
        except WhaleFallError as error:
            messages.error(request, _said(error))
        return go(request, reverse("admin:sessions_app_syncschedule_change", args=[schedule.pk]))


def _said(error: WhaleFallError) -> str:
    return f"{render_error(error)} {hint(error.message_code, error.reason, error.params)}".strip()


def _time(moment: Any) -> str | None:
    return date(timezone.localtime(moment), "DATETIME_FORMAT") if moment else None
