"""What a confirming dialog does: one domain call, a message, and on to the next page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanSwitchWidget

from sessions_app.models import SyncSession
from sessions_app.progress import ErrorGroup, error_groups
from sessions_app.reasons import label
from whalefall.errors import WhaleFallError
from whalefall.messages import hint, render_error


class SyncDialog(BaseDialogForm):
    """Asks before a session."""

    @property
    def parameters(self) -> dict[str, Any]:
        """What the session is to be started with."""
        return {"force": True} if self.cleaned_data.get("force") else {}


class ForcibleSyncDialog(SyncDialog):
    """Asks before a session of a category that refuses some reads, and whether to accept them."""

    force = forms.BooleanField(
        label=_("Accept a much shorter list"),
        help_text=_("Without this, a list that is empty or has shrunk below half is refused and nothing changes."),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )


class RetryDialog(BaseDialogForm):
    """Asks which of the failed instances to try again, by why they failed: all, or what a link names."""

    reasons = forms.MultipleChoiceField(label=_("What failed, and why"), widget=UnfoldAdminCheckboxSelectMultipleWidget)

    def __init__(self, request: HttpRequest, object_id: int | str | None = None, **kwargs: Any) -> None:
        super().__init__(request, object_id, **kwargs)
        pk = unquote(str(object_id))
        session = SyncSession.objects.filter(pk=pk).first() if pk.isdecimal() else None
        groups = error_groups(session) if session else []
        field = cast("forms.MultipleChoiceField", self.fields["reasons"])
        field.choices = [(group.cause, _group_label(group)) for group in groups]
        field.initial = request.GET.getlist("reason") or [group.cause for group in groups]
        field.required = bool(groups)


def _group_label(group: ErrorGroup) -> str:
    return f"{label(group.message_code, group.reason)} ({group.message_code}): {group.count}"


def go(request: HttpRequest, url: str) -> HttpResponse:
    """On to a page, from a dialog (which is an htmx request) or from a plain form."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def session_url(session: SyncSession) -> str:
    """The session's page."""
    return reverse("admin:sessions_app_syncsession_change", args=[session.pk])


def session_link(session: SyncSession) -> SafeString:
    """The session's short name, leading to its page."""
    return format_html('<a class="wf-link" href="{}">{}</a>', session_url(session), short(session))


def short(session: SyncSession) -> str:
    """Enough of a session's id to tell it from others."""
    return str(session.session_id)[:8]


def attempt(request: HttpRequest, call: Callable[[], SyncSession], done: str) -> SyncSession | None:
    """Do it and say so; `done` has a {session}. What went wrong is said with what helps."""
    try:
        session = call()
    except WhaleFallError as error:
        advice = hint(error.message_code, error.reason, error.params)
        messages.error(request, f"{render_error(error)} {advice}".strip())
        return None
    messages.success(request, format_html(done, session=session_link(session)))
    return session
