"""Rules in the admin: written as a tree, tried out in place, kept in versions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.views import ChangeList

import dbms
from classification import days, services
from classification.admin import search
from classification.admin.cells import class_badge
from classification.admin.forms import RuleForm
from classification.admin.saving import StoredByService
from classification.admin.starting import ClassifyNow
from classification.dsl.names import warnings
from classification.dsl.parse import parse
from classification.models import AccountClassificationAssignment, ClassificationRule
from classification.presentation import lines
from sessions_app.admin.dialogs import go
from sessions_app.admin.links import page_url
from whalefall.errors import WhaleFallError
from whalefall.messages import render_error

VERSIONS_SHOWN = 100


class CurrentRules(ChangeList):
    """The current version of each rule; counts the accounts of those on the page by one query."""

    result_list: Any

    def get_queryset(self, request: HttpRequest, *args: Any) -> QuerySet[ClassificationRule]:
        rules: QuerySet[ClassificationRule] = super().get_queryset(request, *args)
        return rules.filter(superseded_at__isnull=True)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        shown = {rule.rule_group_id for rule in self.result_list}
        matches = AccountClassificationAssignment.objects.effective().filter(rule__rule_group_id__in=shown)
        counted = matches.by_rule()
        for rule in self.result_list:
            rule.matched = counted.get(rule.rule_group_id, 0)


@admin.register(ClassificationRule)
class RulePage(ClassifyNow, StoredByService):
    """Rules to write. An old version is there to be read and to be brought back."""

    form = RuleForm
    list_display = ("rule_name", "badge", "kind", "matched", "rule_version", "is_active", "updated_at")
    list_filter = (
        ("classification", RelatedDropdownFilter),
        ("db_type", ChoicesDropdownFilter),
        "is_active",
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    list_select_related = ("classification",)
    search_fields = ("rule_name",)
    ordering = ("-classification__priority", "db_type", "rule_name")
    actions = ("activate", "deactivate")
    actions_detail = ("restore",)
    change_form_template = "classification/rule.html"

    class Media:
        css = {"all": ["classification/classification.css"]}
        js = ["classification/days.js"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CurrentRules

    def get_fields(self, request: HttpRequest, obj: ClassificationRule | None = None) -> tuple[str, ...]:
        own = ("rule_name", "classification", "db_type", "is_active")
        may_write = self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)
        return (*own, "rule_expression") if may_write else own

    def get_readonly_fields(self, request: HttpRequest, obj: ClassificationRule | None = None) -> tuple[str, ...]:
        return ("classification", "db_type") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: ClassificationRule | None = None) -> bool:
        # What is sent for a version that was current when its page was opened is answered by the form, not refused.
        is_old = obj is not None and obj.superseded_at is not None and request.method != "POST"
        return super().has_change_permission(request, obj) and not is_old

    def has_delete_permission(self, request: HttpRequest, obj: ClassificationRule | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.superseded_at is None)

    def delete_model(self, request: HttpRequest, obj: ClassificationRule) -> None:
        services.delete_rule(obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)  # it would show all that hangs on them, and delete it
        return actions

    # The list

    @display(description=_("class"), ordering="classification__priority")
    def badge(self, rule: ClassificationRule) -> SafeString:
        return class_badge(rule.classification)

    @display(description=_("database kind"), ordering="db_type", label=True)
    def kind(self, rule: ClassificationRule) -> str:
        return dict(dbms.choices()).get(rule.db_type, rule.db_type)

    @display(description=_("accounts"))
    def matched(self, rule: Any) -> int:
        return int(rule.matched)

    @admin.action(description=_("Activate"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[ClassificationRule]) -> None:
        self._switch(request, queryset, True)

    @admin.action(description=_("Deactivate"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[ClassificationRule]) -> None:
        self._switch(request, queryset, False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[ClassificationRule], is_active: bool) -> None:
        changed = services.switch_rules(queryset, is_active=is_active)
        text = ngettext(
            "%d rule was switched; the next run follows.", "%d rules were switched; the next run follows.", changed
        )
        self.message_user(request, text % changed, messages.SUCCESS)

    # The page of one

    def get_urls(self) -> list[URLPattern]:
        prefix = "classification_classificationrule"
        own = [
            path("accounts/", self.admin_site.admin_view(self.find_accounts), name=f"{prefix}_accounts"),
            path("roles/", self.admin_site.admin_view(self.find_roles), name=f"{prefix}_roles"),
            path("check/", self.admin_site.admin_view(self.check_draft), name=f"{prefix}_check"),
        ]
        return [*own, *super().get_urls()]

    def check_draft(self, request: HttpRequest) -> HttpResponse:
        """{problem, path} or {warnings: [{path, message}]} of `rule_expression`, for the editor.

        A draft that is not yet valid is nothing that went wrong, so the answer is 200 and no browser complains.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        kind = request.POST.get("db_type", "")
        try:
            expression = services.read_expression(request.POST.get("rule_expression", ""))
        except WhaleFallError as error:
            return JsonResponse({"problem": render_error(error), "path": (error.extra or {}).get("path", "")})
        found = warnings(expression, kind) if kind in dbms.ADAPTERS else []
        return JsonResponse({"warnings": [{"path": path, "message": text} for path, text in found]})

    def _check_sees_accounts(self, request: HttpRequest) -> None:
        if not (self.has_view_permission(request) and request.user.has_perm("accounts_sync.view_instanceaccount")):
            raise PermissionDenied

    def find_accounts(self, request: HttpRequest) -> HttpResponse:
        """{accounts: [{id, text}], has_more} of a database kind, to choose one to explain.

        `q` is how the name begins; words behind a space are looked for in the instance's name.
        """
        self._check_sees_accounts(request)
        return JsonResponse(search.accounts(request.GET.get("db_type", ""), request.GET.get("q", "")))

    def find_roles(self, request: HttpRequest) -> HttpResponse:
        """{names, has_more}: the roles of a database kind whose name contains `q`."""
        self._check_sees_accounts(request)
        return JsonResponse(search.roles(request.GET.get("db_type", ""), request.GET.get("q", "")))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,
        form_url: str = "", obj: ClassificationRule | None = None,
    ) -> HttpResponse:  # fmt: skip
        context["may_write"] = "rule_expression" in self.get_fields(request, obj)
        if obj is not None:
            context |= {"rule": obj, "is_old": obj.superseded_at is not None}
            context |= {**self._described(obj), **_versions(obj), **days.of_rule(request, obj)}
        response: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)
        return response

    def _described(self, rule: ClassificationRule) -> dict[str, Any]:
        stored = ClassificationRule.objects.values_list("rule_expression", flat=True).get(pk=rule.pk)
        try:
            return {"steps": list(lines(parse(stored).root))}
        except WhaleFallError as error:  # written by another version of the product
            return {"steps": [], "expression_problem": render_error(error)}

    def response_change(self, request: HttpRequest, obj: ClassificationRule) -> HttpResponse:
        response: HttpResponse = super().response_change(request, obj)
        if "_continue" in request.POST:  # on the page of the version that was made
            return HttpResponseRedirect(page_url("classification_classificationrule", obj.pk))
        return response

    def has_restore_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Only an old version can be brought back."""
        pk = unquote(str(object_id))
        old = ClassificationRule.objects.filter(pk=pk, superseded_at__isnull=False) if pk.isdecimal() else None
        return request.user.has_perm("classification.change_classificationrule") and old is not None and old.exists()

    @action(
        description=_("Use this version again"),
        icon="history",
        permissions=["restore"],
        dialog={
            "title": _("Use this version again?"),
            "description": _("Its expression becomes the newest version of the rule; the next run evaluates it."),
            "form_submit_text": _("Use again"),
        },
    )
    def restore(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        old: ClassificationRule | None = self.get_object(request, unquote(object_id))
        if old is None:
            raise Http404
        try:
            rule = services.restore_rule(old, user=request.user)  # type: ignore[arg-type]
        except WhaleFallError as error:
            self.message_user(request, render_error(error), messages.ERROR)
            rule = old
        return go(request, reverse("admin:classification_classificationrule_change", args=[rule.pk]))


def _versions(rule: ClassificationRule) -> dict[str, Any]:
    """The versions of a rule, the newest first. One query."""
    known = ClassificationRule.objects.filter(rule_group_id=rule.rule_group_id).select_related("created_by")
    ordered = list(known.defer("rule_expression").order_by("-rule_version")[: VERSIONS_SHOWN + 1])
    return {
        "versions": [(one, page_url("classification_classificationrule", one.pk)) for one in ordered[:VERSIONS_SHOWN]],
        "has_more_versions": len(ordered) > VERSIONS_SHOWN,
    }
