"""What a confirming dialog does: one domain call, a message, and on to the next page."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldBooleanSwitchWidget

from sessions_app.models import SyncSession
from whalefall.errors import WhaleFallError
from whalefall.messages import hint, render_error


class SyncDialog(BaseDialogForm):
    """Asks before a synchronization."""

    force = forms.BooleanField(
        label=_("Accept a much shorter list"),
        help_text=_("Without this, a list that is empty or has shrunk below half is refused and nothing changes."),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )


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
