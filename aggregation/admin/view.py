"""What the address of a page of trends asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from aggregation import periods
from aggregation.models import Aggregation, DatabaseSizeAggregation
from aggregation.periods import Period, PeriodType

TYPE, START, MEASURE, TOP, DATABASE = "period_type", "period", "measure", "top", "database_name"
OURS = (TYPE, START, MEASURE, TOP, DATABASE)
INSTANCE = "instance__id__exact"  # the filter's
MEASURES = ("size", "change", "percent")
TOPS = ("5", "10", "20")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One period of many, ranked by a measure; or, when the address names one of them, all its periods.

    One period type, always. Nonsense in the address is as if it were not there.
    """

    period_type: PeriodType
    start: date | None  # in the period that is asked for; None for the newest one that is over
    measure: str
    top: int
    instance: int | None
    database: str

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Reads the address."""
        asked: QueryDict = request.GET
        type, measure, top = asked.get(TYPE), asked.get(MEASURE, ""), asked.get(TOP, "")
        instance = asked.get(INSTANCE, "")
        return cls(
            period_type=PeriodType(type) if type in PeriodType.values else PeriodType.DAILY,
            start=_date(asked.get(START, "")),
            measure=measure if measure in MEASURES else MEASURES[0],
            top=int(top if top in TOPS else TOPS[0]),
            instance=int(instance) if instance.isdecimal() and len(instance) < 19 else None,
            database=asked.get(DATABASE, ""),
        )

    def is_history(self, model: type[Aggregation]) -> bool:
        """Whether the address names one database, or one instance on the page of instances."""
        return self.instance is not None and (model is not DatabaseSizeAggregation or bool(self.database))

    def period(self, model: type[Aggregation]) -> Period:
        """The one that is asked for, else the newest one with rows that is over, else the last that was; one query."""
        if self.start is not None:
            return periods.containing(self.period_type, self.start)
        last = periods.last_complete(self.period_type, timezone.localdate())
        return neighbour(model, last.next, is_later=False) or last


def neighbour(model: type[Aggregation], period: Period, *, is_later: bool) -> Period | None:
    """The next period with rows of the same type, before or after one; a look at the end of an index."""
    rows: QuerySet[Any] = model._default_manager.filter(period_type=period.type, instance__deleted_at__isnull=True)
    if is_later:
        rows = rows.filter(period_start__gt=period.start).order_by("period_start")
    else:
        rows = rows.filter(period_start__lt=period.start).order_by("-period_start")
    start = rows.values_list("period_start", flat=True).first()
    return periods.containing(period.type, start) if start else None


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # A quarter before and after it must exist, too.
    return day if 1 < day.year < 9999 else None
