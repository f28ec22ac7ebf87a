"""What lists of databases and of their sizes can be narrowed by. An unknown value is an error, never an empty list."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

import dbms
from capacity import freshness
from capacity.models import DatabaseSizeStat, InstanceDatabase
from instances.filters import Flag, Id, InstanceTags


class HidingFilter(django_filters.FilterSet):
    """Leaves out, unless asked for, what pages leave out."""

    include_hidden = Flag(method="already", help_text="Also the server's own databases and filtered ones.")
    include_deleted = Flag(method="already", help_text="Also databases that are no longer on their server.")

    def already(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """Done by shown(), which has to know when nothing was said, too."""
        return queryset

    def shown(self) -> Q:
        """The databases that were asked for."""
        wanted = Q() if self.form.cleaned_data["include_deleted"] else Q(is_active=True)
        return wanted if self.form.cleaned_data["include_hidden"] else wanted & Q(is_system=False, filtered_by="")


class LedgerFilter(HidingFilter):
    search = django_filters.CharFilter(
        method="containing", max_length=255, help_text="Part of the database's or the instance's name."
    )
    instance_id = Id(field_name="instance")
    db_type = django_filters.CharFilter(method="of_kind", help_text="Such as postgresql; aliases are understood.")
    tags = InstanceTags()
    is_stale = Flag(method="stale", help_text="Not measured since its schedule last came due.")
    is_unmeasured = Flag(method="unmeasured", help_text="The last read could not measure it.")

    def filter_queryset(self, queryset: QuerySet[InstanceDatabase]) -> QuerySet[InstanceDatabase]:
        return super().filter_queryset(queryset.filter(self.shown()))  # type: ignore[no-any-return]

    def containing(self, queryset: QuerySet[InstanceDatabase], name: str, value: str) -> QuerySet[InstanceDatabase]:
        return queryset.filter(Q(database_name__icontains=value) | Q(instance__name__icontains=value))

    def of_kind(self, queryset: QuerySet[InstanceDatabase], name: str, value: str) -> QuerySet[InstanceDatabase]:
        return queryset.filter(instance__db_type=dbms.normalize(value))

    def stale(self, queryset: QuerySet[InstanceDatabase], name: str, value: bool) -> QuerySet[InstanceDatabase]:
        condition = freshness.stale(freshness.last_due())
        return queryset.filter(condition if value else ~condition)

    def unmeasured(self, queryset: QuerySet[InstanceDatabase], name: str, value: bool) -> QuerySet[InstanceDatabase]:
        condition = freshness.unmeasured()
        return queryset.filter(condition if value else ~condition)


class SizeForm(forms.Form):
    """Conditions that must fit each other."""

    def clean(self) -> dict[str, Any]:
        wanted: dict[str, Any] = super().clean() or {}
        start, end = wanted.get("start_date"), wanted.get("end_date")
        if start and end and end < start:
            raise forms.ValidationError({"end_date": _("The last day lies before the first one.")})
        return wanted


class SizeFilter(HidingFilter):
    instance_id = Id(field_name="instance", required=True)
    database_name = django_filters.CharFilter(max_length=512, help_text="Exactly this one.", strip=False)
    start_date = django_filters.DateFilter(field_name="collected_date", lookup_expr="gte")
    end_date = django_filters.DateFilter(field_name="collected_date", lookup_expr="lte")
    latest = Flag(method="already", help_text="Only the last row of each database, of the days that were asked for.")

    class Meta:
        model = DatabaseSizeStat
        form = SizeForm
        fields = ()

    def filter_queryset(self, queryset: QuerySet[DatabaseSizeStat]) -> QuerySet[DatabaseSizeStat]:
        wanted = self.form.cleaned_data
        databases = InstanceDatabase.objects.filter(self.shown(), instance=int(wanted["instance_id"]))
        found: QuerySet[DatabaseSizeStat] = super().filter_queryset(queryset)
        if not wanted["latest"]:
            return found.filter(database_name__in=databases.values("database_name"))
        # From the inventory, so that each database costs one look into the index, however long its history is.
        own = found.order_by("-collected_date").filter(database_name=OuterRef("database_name"))
        return queryset.filter(pk__in=databases.annotate(last=Subquery(own.values("pk")[:1])).values("last"))
