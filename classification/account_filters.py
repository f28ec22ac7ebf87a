"""The filters of accounts that classification adds to their list."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ListFilter
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from classification.models import AccountClassification, AccountClassificationAssignment, RiskLevel

NONE, TOP = "none", "top"
TOP_RISKS = (RiskLevel.HIGHEST, RiskLevel.HIGH)


def filters(request: HttpRequest) -> list[type[ListFilter]]:
    """By class and by risk level, for who may see classes."""
    allowed = request.user.has_perm("classification.view_accountclassificationassignment")
    return [ClassFilter, RiskFilter] if allowed else []


def held(**conditions: Any) -> Exists:
    """Whether an account is in a class of these conditions."""
    mine = AccountClassificationAssignment.objects.filter(account=OuterRef("pk"), is_active=True, **conditions)
    return Exists(mine.order_by())


class ClassFilter(DropdownFilter):
    """Accounts in a class, or in none."""

    title, parameter_name = _("class"), "class"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        known = AccountClassification.objects.order_by("-priority", "code")
        return [*((str(one.pk), one.name) for one in known), (NONE, _("In no class"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case None | "":
                return queryset
            case "none":
                return queryset.filter(~held())
            case pk if pk in {str(value) for value, _label in self.lookup_choices}:
                return queryset.filter(held(classification=int(pk)))
        return queryset.none()


class RiskFilter(DropdownFilter):
    """Accounts in a class of a risk level."""

    title, parameter_name = _("risk level"), "risk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(TOP, _("1 and 2")), *((str(value), label) for value, label in RiskLevel.choices)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        levels: dict[str, Q] = {str(value): Q(held(classification__risk_level=value)) for value in RiskLevel.values}
        levels[TOP] = Q(held(classification__risk_level__in=TOP_RISKS))
        value = self.value()
        return queryset.filter(levels[value]) if value in levels else queryset
