"""Classes in the admin: how many accounts each has, and how that developed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminTextInputWidget

import dbms
from classification import days, services
from classification.admin.cells import class_badge
from classification.admin.saving import StoredByService, StoringForm
from classification.admin.starting import ClassifyNow
from classification.api.classes import CURRENT_RULES
from classification.models import AccountClassification, AccountClassificationAssignment
from classification.presentation import ICON_NAME, RISK_TONES
from sessions_app.admin.links import badges, link
from whalefall.errors import NameExists


class ClassForm(StoringForm):
    """A class as services take it."""

    icon_name = forms.CharField(
        label=_("Icon"),
        help_text=_("The name of a Material symbol, such as shield or smart_toy."),
        required=False,
        max_length=50,
        validators=[ICON_NAME],
        widget=UnfoldAdminTextInputWidget,
    )

    class Meta:
        model = AccountClassification
        fields = ("code", "display_name", "description", "risk_level", "priority", "icon_name")

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).strip().lower()

    def check(self) -> None:
        code = self.cleaned_data.get("code")
        if self.instance.pk is None and AccountClassification.objects.filter(code=code).exists():
            self.refuse("code", NameExists(name=code))

    def store(self, user: User) -> AccountClassification:
        if self.instance.pk is None:
            return services.create_classification(**self.cleaned_data)
        stored = AccountClassification.objects.get(pk=self.instance.pk)
        return services.update_classification(stored, **self.cleaned_data)


class CountedClasses(ChangeList):
    """Counts the accounts of the classes on the page, kind by kind, by one query."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        counts = _by_kind(self.result_list)
        for classification in self.result_list:
            classification.kinds = counts.get(classification.pk, {})


def _by_kind(classes: list[AccountClassification]) -> dict[int, dict[str, int]]:
    """{class id: {database kind: accounts}}."""
    effective = AccountClassificationAssignment.objects.effective().filter(classification__in=classes).order_by()
    counted = effective.values_list("classification", "account__db_type").annotate(Count("account", distinct=True))
    found: dict[int, dict[str, int]] = {}
    for pk, kind, number in counted:
        found.setdefault(pk, {})[kind] = number
    return found


@admin.register(AccountClassification)
class ClassPage(ClassifyNow, StoredByService):
    """Classes, the most important first."""

    form = ClassForm
    list_display = ("badge", "risk", "accounts", "kinds", "rules", "priority", "origin")
    list_display_links = ("badge",)
    list_filter = (("risk_level", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("code", "display_name", "description")
    ordering = ("-priority", "code")
    actions = None
    change_form_outer_after_template = "classification/class.html"

    class Media:
        css = {"all": ["classification/classification.css"]}
        js = ["classification/days.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccountClassification]:
        classes: QuerySet[AccountClassification] = super().get_queryset(request)
        return classes.annotate(rules_count=CURRENT_RULES)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CountedClasses

    def get_readonly_fields(self, request: HttpRequest, obj: AccountClassification | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        return ("code", *services.OF_SYSTEM) if obj.is_system else ("code",)

    def has_delete_permission(self, request: HttpRequest, obj: AccountClassification | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_system)

    def delete_model(self, request: HttpRequest, obj: AccountClassification) -> None:
        services.delete_classification(obj)

    @display(description=_("class"), ordering="code")
    def badge(self, row: AccountClassification) -> SafeString:
        return class_badge(row)

    @display(description=_("risk level"), ordering="risk_level")
    def risk(self, row: AccountClassification) -> str:
        return badges([(RISK_TONES[row.risk_level], row.get_risk_level_display())])

    @display(description=_("accounts"))
    def accounts(self, row: Any) -> str:
        listed = reverse("admin:accounts_sync_instanceaccount_changelist")
        return link(f"{listed}?class={row.pk}&system=all", str(sum(row.kinds.values())))

    @display(description=_("by database kind"), empty_value="—")
    def kinds(self, row: Any) -> str | None:
        labels = dict(dbms.choices())
        counted = ((labels.get(kind, kind), number) for kind, number in sorted(row.kinds.items()))
        return format_html_join(", ", "{}: {}", counted) or None

    @display(description=_("rules"), ordering="rules_count")
    def rules(self, row: Any) -> str:
        listed = reverse("admin:classification_classificationrule_changelist")
        return link(f"{listed}?classification__id__exact={row.pk}", str(row.rules_count))

    @display(description=_("origin"), ordering="is_system", label={"system": "info", "own": ""})
    def origin(self, row: AccountClassification) -> tuple[str, Any]:
        return ("system", _("Part of WhaleFall")) if row.is_system else ("own", _("Own"))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,
        form_url: str = "", obj: AccountClassification | None = None,
    ) -> HttpResponse:  # fmt: skip
        if obj is not None:
            context |= {"title": format_html("{}", obj.name), "shown_class": obj, **days.of_class(request, obj)}
        response: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)
        return response
