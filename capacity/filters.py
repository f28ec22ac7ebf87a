"""Which databases lists and totals leave out: names and SQL's LIKE patterns, per kind of server."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction

from capacity.models import DatabaseFilter, InstanceDatabase

BATCH = 10_000  # keys in one statement


class Filters:
    """The active filters of one kind of server."""

    def __init__(self, filters: Iterable[DatabaseFilter]) -> None:
        self._patterns = [(row.pattern, _expression(row.match, row.pattern)) for row in filters]

    @classmethod
    def of(cls, db_type: str) -> Filters:
        """As they are stored now. One query."""
        return cls(DatabaseFilter.objects.filter(db_type=db_type, is_active=True).order_by("match", "pattern"))

    def matching(self, name: str) -> str:
        """The pattern of the first filter that leaves this database out; empty when none does."""
        return next((pattern for pattern, expression in self._patterns if expression.fullmatch(name)), "")


@transaction.atomic
def apply_again(db_type: str) -> int:
    """Tag the stored databases of a kind by the filters as they are now; returns how many changed."""
    filters = Filters.of(db_type)
    changed: defaultdict[str, list[int]] = defaultdict(list)
    stored = InstanceDatabase.objects.filter(instance__db_type=db_type)
    for pk, name, before in stored.values_list("pk", "database_name", "filtered_by").iterator():
        if (found := filters.matching(name)) != before:
            changed[found].append(pk)
    for pattern, keys in changed.items():
        for start in range(0, len(keys), BATCH):
            InstanceDatabase.objects.filter(pk__in=keys[start : start + BATCH]).update(filtered_by=pattern)
    return sum(map(len, changed.values()))


def _expression(match: str, pattern: str) -> re.Pattern[str]:
    if match == DatabaseFilter.Match.EXACT:
        text = re.escape(pattern)
    else:
        text = "".join(map(_element, re.findall(r"\\.|.", pattern, flags=re.DOTALL)))
    return re.compile(text, re.IGNORECASE | re.DOTALL)


def _element(element: str) -> str:
    """A character of a LIKE pattern, or one that a backslash makes stand for itself, as a regular expression."""
    return {"%": ".*", "_": "."}.get(element) or re.escape(element.removeprefix("\\") or element)
