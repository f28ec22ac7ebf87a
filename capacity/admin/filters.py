"""Which databases lists and totals leave out, in the admin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

import dbms
from capacity.filters import apply_again
from capacity.models import DatabaseFilter, InstanceDatabase
from instances.admin.saving import CheckedTwiceAdmin


class DatabaseFilterForm(forms.ModelForm):
    """A filter that can be meant so."""

    class Meta:
        model = DatabaseFilter
        fields = ("db_type", "match", "pattern", "description", "is_active")

    def clean(self) -> dict[str, Any]:
        wanted: dict[str, Any] = super().clean() or {}
        pattern = wanted.get("pattern", "")
        if wanted.get("match") == DatabaseFilter.Match.LIKE:
            if pattern and not pattern.strip("%"):
                self.add_error("pattern", _("This pattern would leave out every database."))
            if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
                self.add_error(
                    "pattern", _(r"A backslash at the end has nothing to stand before; \\ is one backslash.")
                )
        return wanted


@admin.register(DatabaseFilter)
class DatabaseFilterPage(CheckedTwiceAdmin):
    """Filters to edit. What is saved or deleted holds at once for the databases that are known."""

    form = DatabaseFilterForm
    list_display = ("pattern", "match", "kind", "hidden", "is_active", "description")
    list_filter = (("db_type", ChoicesDropdownFilter), ("match", ChoicesDropdownFilter), "is_active")
    list_filter_submit = True
    ordering = ("db_type", "match", "pattern")
    search_fields = ("pattern", "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DatabaseFilter]:
        filters: QuerySet[DatabaseFilter] = super().get_queryset(request)
        hidden = (
            InstanceDatabase.objects.present()
            .filter(instance__db_type=OuterRef("db_type"), filtered_by=OuterRef("pattern"))
            .order_by()
            .values("filtered_by")
            .annotate(number=Count("pk"))
        )
        return filters.annotate(hidden_databases=Coalesce(Subquery(hidden.values("number")), 0))

    @display(description=_("database kind"), ordering="db_type", label=True)
    def kind(self, row: DatabaseFilter) -> str:
        return dict(dbms.choices()).get(row.db_type, row.db_type)

    @display(description=_("leaves out"), ordering="hidden_databases")
    def hidden(self, row: Any) -> int:
        return int(row.hidden_databases)

    def save_model(self, request: HttpRequest, obj: DatabaseFilter, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self._apply(request, {obj.db_type, form.initial.get("db_type") or obj.db_type})

    def delete_model(self, request: HttpRequest, obj: DatabaseFilter) -> None:
        super().delete_model(request, obj)
        self._apply(request, {obj.db_type})

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[DatabaseFilter]) -> None:
        kinds = set(queryset.order_by().values_list("db_type", flat=True))
        super().delete_queryset(request, queryset)
        self._apply(request, kinds)

    def _apply(self, request: HttpRequest, kinds: Iterable[str]) -> None:
        if count := sum(apply_again(kind) for kind in kinds):
            text = ngettext(
                "%d known database is now shown or left out differently; totals follow with the next read.",
                "%d known databases are now shown or left out differently; totals follow with the next read.",
                count,
            )
            self.message_user(request, text % count, messages.INFO)
