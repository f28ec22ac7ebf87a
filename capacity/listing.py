"""Databases with all that lists and pages tell of them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import DateTimeField, QuerySet, Value

from capacity import freshness
from capacity.growth_rates import with_growth
from capacity.models import InstanceDatabase


def described(keys: Sequence[int]) -> list[InstanceDatabase]:
    """Databases in the order of these keys: with their instance, growth, why they could not be measured, and `due_at`.

    Three queries, for a page whose keys were found by sorting without all that. `due_at` is a column because the pages
    of a site are shared by all requests and remember nothing.
    """
    due = Value(freshness.last_due(), output_field=DateTimeField())
    rows = with_growth(placed(InstanceDatabase.objects.filter(pk__in=keys))).annotate(due_at=due)
    found = {row.pk: row for row in rows}
    return [found[key] for key in keys if key in found]


def placed(databases: QuerySet[InstanceDatabase]) -> QuerySet[InstanceDatabase]:
    """Databases with their instance and its tags, and why they could not be measured."""
    return freshness.with_unread(databases.select_related("instance").prefetch_related("instance__tags"))
