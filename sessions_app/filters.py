"""What lists of sessions and records can be narrowed by. An unknown value is an error, never an empty list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import django_filters
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, OuterRef, Q, QuerySet
from drf_spectacular.utils import extend_schema_field

from instances.filters import Id
from instances.lookups import BIGGEST_ID
from sessions_app.models import (
    RecordStatus,
    SessionStatus,
    SyncCategoryName,
    SyncInstanceRecord,
    SyncSession,
    SyncType,
)

SYNC_TYPE_ALIASES = {"scheduled": SyncType.SCHEDULED_TASK.value}


class Moment(django_filters.IsoDateTimeFilter):
    """A moment that exists in every time zone; the calendar ends in the years 1 and 9999."""

    def __init__(self, **kwargs: Any) -> None:
        first, last = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
        super().__init__(validators=[MinValueValidator(first), MaxValueValidator(last)], **kwargs)


class SessionFilter(django_filters.FilterSet):
    sync_type = django_filters.ChoiceFilter(choices=SyncType.choices)
    sync_category = django_filters.ChoiceFilter(choices=SyncCategoryName.choices)
    status = django_filters.ChoiceFilter(choices=SessionStatus.choices)
    instance_id = Id(method="with_instance")
    created_by = django_filters.CharFilter(method="started_by", max_length=150, help_text="User id or user name.")
    started_after = Moment(field_name="started_at", lookup_expr="gte")
    started_before = Moment(field_name="started_at", lookup_expr="lt")

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        if data is not None and data.get("sync_type") in SYNC_TYPE_ALIASES:
            data = data.copy()
            data["sync_type"] = SYNC_TYPE_ALIASES[data["sync_type"]]
        super().__init__(data, *args, **kwargs)

    @extend_schema_field(int)
    def with_instance(self, queryset: QuerySet[SyncSession], name: str, value: Any) -> QuerySet[SyncSession]:
        # EXISTS and no join: a join would multiply rows and spoil the count.
        mine = SyncInstanceRecord.objects.filter(session=OuterRef("pk"), instance=int(value))
        return queryset.filter(Exists(mine))

    def started_by(self, queryset: QuerySet[SyncSession], name: str, value: str) -> QuerySet[SyncSession]:
        wanted = Q(created_by__username=value)
        if value.isascii() and value.isdigit() and int(value) <= BIGGEST_ID:
            wanted |= Q(created_by=int(value))
        return queryset.filter(wanted)


class RecordFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=RecordStatus.choices)
    message_code = django_filters.CharFilter(max_length=64)
    reason = django_filters.CharFilter(max_length=32)
    search = django_filters.CharFilter(
        field_name="instance_name", lookup_expr="icontains", max_length=255, help_text="Part of the instance's name."
    )
