"""Conditions that REST lists of several apps share. An unknown value is an error, never an empty list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from drf_spectacular.utils import extend_schema_field

from instances.lookups import BIGGEST_ID
from instances.models import Instance, Tag


class Flag(django_filters.TypedChoiceFilter):
    """`true` or `false`, and nothing that might mean either."""

    def __init__(self, *, help_text: str = "", **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda text: text == "true", empty_value=None, **kwargs)
        described = {"description": help_text} if help_text else {}
        extend_schema_field({"type": "boolean", **described})(self)


class Id(django_filters.NumberFilter):
    """The id of something: a whole number that a column can hold."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(decimal_places=0, min_value=1, max_value=BIGGEST_ID, **kwargs)


class InstanceTags(django_filters.ModelMultipleChoiceFilter):
    """Rows with an `instance` that has any of these tags, by name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Tag.objects.all(), to_field_name="name", **kwargs)
        extend_schema_field({"type": "string", "description": "Any of these, by name."})(self)

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return qs.filter(tagged(value, instance="instance")) if value else qs


def tagged(tags: Iterable[Tag], *, instance: str) -> Exists:
    """Whether the instance that a column names has any of these tags."""
    # EXISTS and no join: a join would multiply rows and spoil counts and sums.
    return Exists(Instance.tags.through.objects.filter(instance=OuterRef(instance), tag__in=list(tags)))
