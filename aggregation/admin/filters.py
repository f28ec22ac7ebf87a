"""The filters of the pages of trends."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from aggregation.filters import HIDDEN
from instances.models import Instance, Tag
from sessions_app.admin.yes_no import ALL, NO, YES, YesNoFilter


class TagFilter(DropdownFilter):
    """Rows of instances with a tag."""

    title, parameter_name = _("tag"), "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Tag.objects.order_by("name").values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {key for key, _name in self.lookup_choices}
        if not (chosen := self.value()):
            return queryset
        if chosen not in known:
            return queryset.none()
        # EXISTS and no join: a join would multiply rows and spoil sums.
        links = Instance.tags.through.objects.filter(instance=OuterRef("instance"), tag=int(chosen))
        return queryset.filter(Exists(links))


class CompleteFilter(YesNoFilter):
    """Rows that rest on every day of their period, or do not."""

    title, parameter_name = _("coverage"), "complete"
    words = {YES: _("Complete"), NO: _("Incomplete"), ALL: _("All")}

    condition = Q(is_complete=True)


class HiddenFilter(YesNoFilter):
    """The server's own databases and filtered ones are hidden until asked for."""

    title, parameter_name, default = _("hidden"), "hidden", NO
    words = {NO: _("What counts"), YES: _("System and filtered ones"), ALL: _("All")}

    condition = Exists(HIDDEN)
