"""The change log of all accounts, and the page of one change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter, RelatedDropdownFilter
from unfold.decorators import display

from accounts_sync.admin.cells import CHANGE_TONES
from accounts_sync.admin.filters import BaselineFilter
from accounts_sync.admin.readonly import AccountsAdmin
from accounts_sync.models import AccountChangeLog
from accounts_sync.presentation.changes import changed_attributes, changed_privileges
from sessions_app.admin.links import link, page_url


@admin.register(AccountChangeLog)
class ChangePage(AccountsAdmin):
    """What changed, where and when."""

    list_display = ("change_time", "change", "name", "server", "message", "session_link")
    list_display_links = ("change_time",)
    list_filter = (
        BaselineFilter,
        ("change_type", ChoicesDropdownFilter),
        ("instance", RelatedDropdownFilter),
        ("db_type", ChoicesDropdownFilter),
        ("change_time", RangeDateTimeFilter),
    )
    list_select_related = ("instance",)
    list_fullwidth = True
    search_fields = ("username",)
    search_help_text = _("Account name")
    ordering = ("-change_time", "-pk")
    fields = ()
    change_form_template = "accounts_sync/change.html"

    @display(description=_("change"), ordering="change_type", label=CHANGE_TONES)
    def change(self, change: AccountChangeLog) -> tuple[str, str]:
        return change.change_type, change.get_change_type_display()

    @display(description=_("account"), ordering="username")
    def name(self, change: AccountChangeLog) -> str:
        return link(page_url("accounts_sync_instanceaccount", change.account_id), change.username)

    @display(description=_("instance"), ordering="instance__name")
    def server(self, change: AccountChangeLog) -> str:
        return link(page_url("instances_instance", change.instance_id), change.instance.name)

    @display(description=_("what changed"))
    def message(self, change: AccountChangeLog) -> str:
        return change.message

    @display(description=_("session"))
    def session_link(self, change: AccountChangeLog) -> str:
        return link(page_url("sessions_app_syncsession", change.session_id), str(change.session_uuid)[:8])

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,
        form_url: str = "", obj: AccountChangeLog | None = None,
    ) -> HttpResponse:  # fmt: skip
        if obj is not None:
            context.update(
                title=obj.message,
                change_row=obj,
                change_tone=CHANGE_TONES[obj.change_type],
                account_url=page_url("accounts_sync_instanceaccount", obj.account_id),
                instance_url=page_url("instances_instance", obj.instance_id),
                privileges=changed_privileges(obj.privilege_diff),
                attributes=changed_attributes(obj.other_diff),
                truncated=obj.privilege_diff.get("truncated", 0),
                session_url=page_url("sessions_app_syncsession", obj.session_id),
            )
        response: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)
        return response
