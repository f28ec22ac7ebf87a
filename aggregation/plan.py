"""What a run has to do for a chunk of instances: the periods that are asked for, and what is late."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from aggregation import late, retention
from aggregation.late import Late, Pair
from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.options import Options
from aggregation.periods import Period, PeriodType
from aggregation.rollup import Model

Wanted = Mapping[Period, Sequence[int]]  # instances by their ids

MODELS: dict[str, tuple[Model, ...]] = {
    "all": (DatabaseSizeAggregation, InstanceSizeAggregation),
    "database": (DatabaseSizeAggregation,),
    "instance": (InstanceSizeAggregation,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`steps` are one statement each; `left` is what is late and stays so: not asked for, or no longer possible.

    `not_kept` are the types of which every period that was asked for has days that retention may have taken.
    """

    steps: Sequence[tuple[Model, PeriodType, Wanted]]
    left: Mapping[Model, set[Pair]]
    late_counts: Counter[int]
    not_kept: Sequence[PeriodType]

    def mark(self) -> None:
        """Mark what is late and stays so; a statement for each table that has such rows."""
        for model, pairs in self.left.items():
            if pairs:
                _rows(model, pairs).filter(is_stale=False).update(is_stale=True)

    def count(self) -> dict[int, dict[str, int]]:
        """How many rows there are now of what was calculated, by instance and period type; one query."""
        found: defaultdict[int, dict[str, int]] = defaultdict(dict)
        parts = []
        for model in dict.fromkeys(model for model, _type, _wanted in self.steps):
            pairs = {
                (pk, period)
                for of, _type, wanted in self.steps
                if of is model
                for period, instances in wanted.items()
                for pk in instances
            }
            rows = _rows(model, pairs).values_list(F("instance_id"), F("period_type"))
            parts.append(rows.annotate(number=Count("pk")).order_by())
        if parts:
            for pk, type, number in parts[0].union(*parts[1:], all=True):
                found[pk][type] = found[pk].get(type, 0) + number
        return found


def make(instances: Sequence[int], options: Options, today: date) -> Plan:
    """The plan for instances, by their ids. A run over a range of dates leaves alone what is late elsewhere."""
    overdue = Late() if options.is_range else late.find(instances, today)
    not_kept: list[PeriodType] = []
    steps: list[tuple[Model, PeriodType, Wanted]] = []
    left: dict[Model, set[Pair]] = {
        DatabaseSizeAggregation: set(overdue.databases),
        InstanceSizeAggregation: set(overdue.instances),
    }
    for type in options.types:
        asked = options.periods(type, today)
        if asked and not retention.possible(asked, today):
            not_kept.append(type)
        for model in MODELS[options.scope]:
            wanted: dict[Period, set[int]] = {one: set(instances) for one in asked}
            for pk, period in {pair for pair in left[model] if pair[1].type == type}:
                wanted.setdefault(period, set()).add(pk)
            usable = {one: sorted(wanted[one]) for one in retention.possible(wanted, today)}
            left[model] -= {(pk, one) for one, pks in usable.items() for pk in pks}
            if usable:
                steps.append((model, type, usable))
    return Plan(
        steps=steps,
        left=left,
        late_counts=Counter(pk for pk, _period in overdue.databases),
        not_kept=not_kept,
    )


def _rows(model: Model, pairs: set[Pair]) -> QuerySet[Any]:
    """The rows of periods of instances."""
    periods: defaultdict[int, set[Period]] = defaultdict(set)
    for pk, period in pairs:
        periods[pk].add(period)
    # Instances that have the same periods share a condition: mostly all of them.
    instances: defaultdict[frozenset[Period], list[int]] = defaultdict(list)
    for pk, own in periods.items():
        instances[frozenset(own)].append(pk)
    condition = Q(pk__in=())
    for shared, pks in instances.items():
        starts: defaultdict[PeriodType, list[date]] = defaultdict(list)
        for period in shared:
            starts[period.type].append(period.start)
        same = Q(pk__in=())
        for type, days in starts.items():
            same |= Q(period_type=type, period_start__in=days)
        condition |= Q(instance__in=pks) & same
    return model.objects.filter(condition)
