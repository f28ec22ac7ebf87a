"""The list of accounts, and the page of one: what it may do, where that comes from, and how it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import BooleanField, Case, OuterRef, QuerySet, Subquery, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.views import ChangeList

import dbms
from accounts_sync import labels
from accounts_sync.admin import hooks
from accounts_sync.admin.cells import CHANGE_TONES, KIND_TONES
from accounts_sync.admin.filters import ChangedFilter, LockedFilter, PresenceFilter, SuperuserFilter, SystemFilter
from accounts_sync.admin.readonly import AccountsAdmin
from accounts_sync.models import AccountKind, AccountPermission, InstanceAccount, locked_now
from accounts_sync.presentation import documents
from accounts_sync.presentation.documents import ScopeView, Section
from dbms.snapshots import SERVER
from sessions_app import coverage
from sessions_app.admin.links import badges, link, page_url
from sessions_app.models import InstanceCoverage, SyncCategoryName

CHANGES_SHOWN = 50


class AccountList(ChangeList):
    """Looks up what other apps say of the accounts on the page that is shown, and of no others."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        found = hooks.badges(request, self.result_list)
        for account in self.result_list:
            account.badges = found.get(account.pk, [])


@admin.register(InstanceAccount)
class AccountPage(AccountsAdmin):
    """Who may log in, on every instance."""

    list_display = ("name", "server", "kind_badge", "flags", "classes", "last_changed_at", "last_checked")
    list_display_links = ("name",)
    list_filter = (
        ("instance", RelatedDropdownFilter),
        ("db_type", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        SuperuserFilter,
        LockedFilter,
        PresenceFilter,
        SystemFilter,
        ChangedFilter,
    )
    list_select_related = ("instance",)
    list_fullwidth = True
    search_fields = ("username",)
    search_help_text = _("Account name")
    ordering = ("username", "instance__name", "pk")
    fields = ()
    change_form_template = "accounts_sync/account.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[InstanceAccount]:
        checked = InstanceCoverage.objects.filter(
            instance=OuterRef("instance"), sync_category=SyncCategoryName.ACCOUNT, scope=SERVER
        )
        accounts: QuerySet[InstanceAccount] = super().get_queryset(request)
        return accounts.annotate(
            checked_at=Subquery(checked.values("last_ok_at")[:1]),
            is_locked_now=Case(When(locked_now(), then=Value(True)), default=False, output_field=BooleanField()),
        )

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        return (*super().get_list_filter(request), *hooks.filters(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AccountList

    @display(description=_("account"), ordering="username")
    def name(self, account: InstanceAccount) -> str:
        return account.display_name

    @display(description=_("instance"), ordering="instance__name")
    def server(self, account: InstanceAccount) -> str:
        return link(page_url("instances_instance", account.instance_id), account.instance.name)

    @display(description=_("kind"), ordering="kind", label=KIND_TONES)
    def kind_badge(self, account: InstanceAccount) -> tuple[str, str]:
        return account.kind, account.get_kind_display()

    @display(description=_("state"))
    def flags(self, account: InstanceAccount) -> str:
        return badges(_flags(account))

    @display(description=_("classes"))
    def classes(self, account: InstanceAccount) -> str:
        return badges(account.badges)  # type: ignore[attr-defined]

    @display(description=_("last checked"), ordering="checked_at")
    def last_checked(self, account: InstanceAccount) -> Any:
        return account.checked_at  # type: ignore[attr-defined]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,
        form_url: str = "", obj: InstanceAccount | None = None,
    ) -> HttpResponse:  # fmt: skip
        if obj is not None:
            context.update(_page(obj), panels=hooks.panels(request, obj))
        response: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)
        return response


def _flags(account: InstanceAccount) -> list[tuple[str, str]]:
    """(tone, word) of each state that is worth a badge."""
    is_user, is_locked = account.kind == AccountKind.USER, account.is_locked_now  # type: ignore[attr-defined]
    held = [
        (not account.is_active, "danger", gettext("Dropped")),
        (account.is_superuser, "danger", gettext("Superuser")),
        (is_locked and is_user, "warning", gettext("Locked")),
        (is_locked and not is_user, "", gettext("No login")),  # what roles and groups are made for
        (account.is_system, "", gettext("System")),
    ]
    return [(tone, word) for holds, tone, word in held if holds]


def _page(account: InstanceAccount) -> dict[str, Any]:
    """What the page of an account shows, by three queries beside the account's own."""
    permission = AccountPermission.objects.filter(account=account).first()
    ledger = coverage.stored(account.instance, SyncCategoryName.ACCOUNT)
    changes = list(account.changes.order_by("-change_time", "-pk")[: CHANGES_SHOWN + 1])
    document = permission.permission_snapshot if permission else {}
    facts = permission.permission_facts if permission else {}
    views = documents.scope_views(document, dbms.get(account.db_type).category_scopes)
    history = reverse("admin:accounts_sync_accountchangelog_changelist")
    return {
        "title": account.display_name,
        "account": account,
        "instance_url": page_url("instances_instance", account.instance_id),
        "now": timezone.now(),
        "kind_tone": KIND_TONES[account.kind],
        "flags": _flags(account),
        "capabilities": documents.capabilities(facts),
        "roles": facts.get("roles", ()),
        "scopes": [
            {
                "view": view,
                "ledger": ledger.get(view.scope),
                "sections": [(section, _own_ledger(ledger, view, section)) for section in view.sections],
            }
            for view in views
        ],
        "unread": [
            (_scope_title(row.scope), row)
            for row in _unread(ledger)
            if row.scope not in {section.scope for view in views for section in view.sections}
        ],
        "last_checked": ledger[SERVER].last_ok_at if SERVER in ledger else None,
        "changes": [{"row": row, "tone": CHANGE_TONES[row.change_type]} for row in changes[:CHANGES_SHOWN]],
        "has_more_changes": len(changes) > CHANGES_SHOWN,
        "history_url": f"{history}?account__id__exact={account.pk}&baseline=all",
    }


def _own_ledger(ledger: Mapping[str, InstanceCoverage], view: ScopeView, section: Section) -> InstanceCoverage | None:
    """The ledger of a section that is read apart from what it is shown with."""
    return ledger.get(section.scope) if section.scope != view.scope else None


def _scope_title(scope: str) -> str:
    """A scope as a person calls it: a category by its title."""
    kind, _, name = scope.partition(":")
    return gettext(labels.category(name)) if kind == "category" else scope


def _unread(ledger: Mapping[str, InstanceCoverage]) -> list[InstanceCoverage]:
    return [row for _, row in sorted(ledger.items()) if row.status != "ok"]
