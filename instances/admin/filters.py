"""The filters of the instance list in the admin."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from instances.models import InstanceQuerySet

BIN = "bin"


class StateFilter(DropdownFilter):
    """By state; without a choice, everything that is not in the recycle bin."""

    title = _("state")
    parameter_name = "state"
    all_option = ["", _("All but the recycle bin")]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("active", _("Active")),
            ("disabled", _("Disabled")),
            ("suspended", _("Login suspended")),
            ("unreachable", _("Unreachable")),
            (BIN, _("Recycle bin")),
        ]

    def queryset(self, request: HttpRequest, queryset: InstanceQuerySet) -> InstanceQuerySet:
        match self.value():
            case "active":
                return queryset.active()
            case "disabled":
                return queryset.present().filter(is_active=False)
            case "suspended":
                return queryset.present().suspended()
            case "unreachable":
                return queryset.active().unreachable()
            case "bin":
                return queryset.binned()
        return queryset.present()
