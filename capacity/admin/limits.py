"""How large databases and instances may become, in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, When
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from capacity import units
from capacity.models import CapacityLimit, InstanceDatabase, InstanceSizeStat
from instances.admin.saving import CheckedTwiceAdmin
from whalefall.errors import ValidationFailed

TIGHT, FULL = 80, 100  # per cent of a limit


class SizeField(forms.Field):
    """A size as people write it, in bytes."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return units.exact(value) if isinstance(value, int) else value

    def to_python(self, value: str | None) -> int | None:
        if value in self.empty_values:
            return None
        try:
            return units.parse(str(value))
        except ValidationFailed as error:
            raise forms.ValidationError(capfirst(error.params["detail"])) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True


class CapacityLimitForm(forms.ModelForm):
    """A limit of a database that is known."""

    limit_bytes = SizeField(label=_("Limit"), help_text=_("For example 500 GB or 1.5 TB."))

    class Meta:
        model = CapacityLimit
        fields = ("instance", "database_name", "limit_bytes")

    def clean(self) -> dict[str, Any]:
        wanted: dict[str, Any] = super().clean() or {}
        instance, name = wanted.get("instance"), wanted.get("database_name")
        if instance and name:
            known = InstanceDatabase.objects.filter(instance=instance)
            if not known.filter(database_name=name).exists():
                alike = known.filter(database_name__icontains=name).order_by("database_name")[:5]
                names = ", ".join(database.database_name for database in alike) or "–"
                text = gettext("No database of this name is known on the instance. Similar names: %(names)s")
                self.add_error("database_name", text % {"names": names})
        return wanted


@admin.register(CapacityLimit)
class CapacityLimitPage(CheckedTwiceAdmin):
    """Limits to edit, and how far they are used."""

    form = CapacityLimitForm
    list_display = ("title", "server", "limit", "size", "share")
    list_filter = (("instance", RelatedDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("instance",)
    ordering = ("instance__name", "database_name")
    search_fields = ("database_name", "instance__name")
    autocomplete_fields = ("instance",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CapacityLimit]:
        limits: QuerySet[CapacityLimit] = super().get_queryset(request)
        totals = InstanceSizeStat.objects.filter(instance=OuterRef("instance")).order_by("-collected_date")
        own = InstanceDatabase.objects.filter(
            instance=OuterRef("instance"), database_name=OuterRef("database_name"), is_active=True
        )
        size = Case(
            When(database_name="", then=Subquery(totals.values("total_size_bytes")[:1])),
            default=Subquery(own.values("size_bytes")[:1]),
        )
        return limits.filter(instance__deleted_at__isnull=True).annotate(
            present_size=size, used=100.0 * F("present_size") / F("limit_bytes")
        )

    @display(description=_("limit of"), ordering="database_name")
    def title(self, row: CapacityLimit) -> str:
        return row.database_name or gettext("The whole instance")

    @display(description=_("instance"), ordering="instance__name")
    def server(self, row: CapacityLimit) -> str:
        return row.instance.name

    @display(description=_("limit"), ordering="limit_bytes")
    def limit(self, row: CapacityLimit) -> str:
        return units.readable(row.limit_bytes)

    @display(description=_("size"), ordering="present_size", empty_value="—")
    def size(self, row: Any) -> str | None:
        return None if row.present_size is None else units.readable(row.present_size)

    @display(description=_("used"), ordering="used", label={"roomy": "success", "tight": "warning", "full": "danger"})
    def share(self, row: Any) -> tuple[str, str]:
        if row.present_size is None:
            return "", "—"
        tone = "full" if row.used >= FULL else "tight" if row.used >= TIGHT else "roomy"
        return tone, f"{row.used:.1f} %"
