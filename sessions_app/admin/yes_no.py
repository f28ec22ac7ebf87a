"""A filter by a condition, which may apply before anybody chooses."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Exists, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

YES, NO, ALL = "yes", "no", "all"


class YesNoFilter(DropdownFilter):
    """Rows for which a condition holds, or does not. Without a choice, `default` applies."""

    default: ClassVar[str] = ALL
    condition: ClassVar[Q | Exists]  # holds for the rows of "yes"
    words: ClassVar[dict[str, Any]] = {YES: _("Yes"), NO: _("No"), ALL: _("All")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.all_option = ["", self.words[self.default]]
        super().__init__(*args, **kwargs)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(value, word) for value, word in self.words.items() if value != self.default]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value() or self.default:
            case "yes":
                return queryset.filter(self.condition)
            case "no":
                return queryset.filter(~self.condition)
        return queryset
