"""What lists, summaries and exports of rolled-up sizes are narrowed by. One period type at a time, always."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet

import dbms
from aggregation.models import Aggregation
from aggregation.periods import PeriodType
from capacity.models import NAME_LENGTH, InstanceDatabase
from instances.filters import Flag, InstanceTags, tagged
from instances.models import Instance


class Day(django_filters.DateFilter):
    """A date like 2026-01-31, in every language of the reader."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)


class AggregationFilter(django_filters.FilterSet):
    period_type = django_filters.ChoiceFilter(choices=PeriodType.choices, help_text="Default: daily.")
    start_date = Day(field_name="period_start", lookup_expr="gte", help_text="Periods that begin on this day or later.")
    end_date = Day(field_name="period_end", lookup_expr="lte", help_text="Periods that end on this day or earlier.")
    instance_id = django_filters.ModelMultipleChoiceFilter(
        field_name="instance", queryset=Instance.objects.present(), help_text="Repeatable."
    )
    db_type = django_filters.MultipleChoiceFilter(
        field_name="instance__db_type", choices=dbms.choices, help_text="Repeatable."
    )
    tags = InstanceTags()

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        data = data.copy() if data is not None else {}
        if not data.get("period_type"):
            data["period_type"] = PeriodType.DAILY.value
        super().__init__(data, *args, **kwargs)

    def instances(self) -> QuerySet[Instance]:
        """The active instances that the conditions mean, whether they have rows or not."""
        self.form.is_valid()
        wanted = self.form.cleaned_data
        chosen: QuerySet[Instance] = Instance.objects.active()
        if wanted["instance_id"]:
            chosen = chosen.filter(pk__in=[instance.pk for instance in wanted["instance_id"]])
        if wanted["db_type"]:
            chosen = chosen.filter(db_type__in=wanted["db_type"])
        if wanted["tags"]:
            chosen = chosen.filter(tagged(wanted["tags"], instance="pk"))
        return chosen

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = super().filter_queryset(queryset)
        return found.filter(instance__deleted_at__isnull=True)


class DatabaseAggregationFilter(AggregationFilter):
    database_name = django_filters.CharFilter(max_length=NAME_LENGTH, help_text="Exactly this name.")
    include_hidden = Flag(method="with_hidden", help_text="Also the server's own databases and filtered ones.")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().filter_queryset(queryset)
        return found if self.form.cleaned_data["include_hidden"] else found.filter(~Exists(HIDDEN))

    def with_hidden(self, queryset: QuerySet[Aggregation], name: str, value: bool) -> QuerySet[Aggregation]:
        return queryset


# Vanished databases are listed all the same: what they weighed is history.
HIDDEN = InstanceDatabase.objects.filter(
    ~Q(filtered_by="") | Q(is_system=True), instance=OuterRef("instance"), database_name=OuterRef("database_name")
)
