"""Who is in which class, and why; putting accounts into classes by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from accounts_sync.models import InstanceAccount
from classification import services
from classification.admin import search
from classification.admin.cells import class_badge
from classification.admin.saving import StoredByService, StoringForm
from classification.models import AccountClassificationAssignment, AssignmentQuerySet, AssignmentType
from sessions_app.admin.links import link, page_url

CHANGE = "classification.change_accountclassificationassignment"


class AccountChoices(AutocompleteJsonView):
    """Accounts by name, each with its instance: many servers have an account of the same name."""

    def get_queryset(self) -> QuerySet[InstanceAccount]:
        found: QuerySet[InstanceAccount] = super().get_queryset()
        return found.select_related("instance")

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        return {"id": str(getattr(obj, to_field_name)), "text": search.label(obj)}


class AccountSelect(AutocompleteSelect):
    """Asks AccountChoices."""

    url_name = "%s:classification_accountclassificationassignment_accounts"


class AssignmentForm(StoringForm):
    """An account, a class, and why."""

    class Meta:
        model = AccountClassificationAssignment
        fields = ("account", "classification", "notes")

    def check(self) -> None:
        account = self.cleaned_data["account"]
        if not account.is_active:
            self.add_error("account", _("This account no longer exists on its server."))

    def store(self, user: User) -> AccountClassificationAssignment:
        wanted = self.cleaned_data
        return services.assign(wanted["account"], wanted["classification"], user=user, notes=wanted["notes"])


@admin.register(AccountClassificationAssignment)
class AssignmentPage(StoredByService):
    """Every reason why an account is in a class. Only what people said can be taken back."""

    form = AssignmentForm
    list_display = ("name", "server", "badge", "how", "rule_link", "assigned_at", "assigned_by", "notes")
    list_display_links = ("name",)
    list_filter = (
        ("classification", RelatedDropdownFilter),
        ("assignment_type", ChoicesDropdownFilter),
        ("account__instance", RelatedDropdownFilter),
        ("account__db_type", ChoicesDropdownFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    list_select_related = ("account__instance", "classification", "rule", "assigned_by")
    show_full_result_count = False
    search_fields = ("account__username",)
    search_help_text = _("Account name")
    ordering = ("-assigned_at", "-pk")
    actions = None
    autocomplete_fields = ("account",)
    fields = ("account", "classification", "notes")

    def get_queryset(self, request: HttpRequest) -> AssignmentQuerySet:
        assignments: AssignmentQuerySet = super().get_queryset(request)
        return assignments.effective()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "account":
            return super().formfield_for_foreignkey(db_field, request, **kwargs)
        kwargs["widget"] = AccountSelect(db_field, self.admin_site)
        field: Any = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.label_from_instance = search.label
        return field

    def get_urls(self) -> list[URLPattern]:
        choices = self.admin_site.admin_view(AccountChoices.as_view(admin_site=self.admin_site))
        name = "classification_accountclassificationassignment_accounts"
        return [path("accounts/", choices, name=name), *super().get_urls()]

    # An operator's own word is not for an admin alone, so who may change what people said may say and unsay it.
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHANGE)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("classification.view_accountclassificationassignment")

    def has_delete_permission(self, request: HttpRequest, obj: AccountClassificationAssignment | None = None) -> bool:
        is_manual = obj is None or obj.assignment_type == AssignmentType.MANUAL
        return is_manual and request.user.has_perm(CHANGE)

    def delete_model(self, request: HttpRequest, obj: AccountClassificationAssignment) -> None:
        services.withdraw(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AccountClassificationAssignment]) -> None:
        """Not offered: rules would bring most of them back."""
        raise NotImplementedError

    @display(description=_("account"), ordering="account__username")
    def name(self, row: AccountClassificationAssignment) -> str:
        return row.account.display_name

    @display(description=_("instance"), ordering="account__instance__name")
    def server(self, row: AccountClassificationAssignment) -> str:
        return link(page_url("instances_instance", row.account.instance_id), row.account.instance.name)

    @display(description=_("class"), ordering="classification__priority")
    def badge(self, row: AccountClassificationAssignment) -> SafeString:
        return class_badge(row.classification)

    @display(description=_("assigned"), ordering="assignment_type", label={"auto": "info", "manual": "primary"})
    def how(self, row: AccountClassificationAssignment) -> tuple[str, str]:
        return row.assignment_type, row.get_assignment_type_display()

    @display(description=_("rule"), ordering="rule__rule_name", empty_value="—")
    def rule_link(self, row: AccountClassificationAssignment) -> str | None:
        if row.rule is None:
            return None
        return link(page_url("classification_classificationrule", row.rule_id), row.rule.rule_name)
