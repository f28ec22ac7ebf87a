"""What a run of the aggregation is asked for; a session keeps it as its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from django.utils.translation import gettext as _

from aggregation import periods
from aggregation.periods import Period, PeriodType
from whalefall.errors import ValidationFailed

SCOPES = ("all", "database", "instance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which periods, of what. Without dates: the last complete ones; those that are not over only when asked for."""

    types: tuple[PeriodType, ...] = tuple(PeriodType)
    scope: str = "all"
    use_current_period: bool = False
    start_date: date | None = None
    end_date: date | None = None

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> Self:
        """From a session's parameters or a request; keys that are not ours are left alone. Raises ValidationFailed."""
        scope = asked.get("scope", "all")
        if scope not in SCOPES:
            raise ValidationFailed(
                detail=_("scope must be one of: {choices}").format(choices=", ".join(SCOPES)),
                extra={"fields": {"scope": [str(scope)]}},
            )
        start, end = (_date(asked.get(name)) for name in ("start_date", "end_date"))
        if any(day and not periods.FIRST_DAY <= day <= periods.LAST_DAY for day in (start, end)):
            raise ValidationFailed(
                detail=_("dates must lie between {first} and {last}").format(
                    first=periods.FIRST_DAY, last=periods.LAST_DAY
                )
            )
        if (start is None) != (end is None) or (start and end and start > end):
            raise ValidationFailed(detail=_("start_date and end_date belong together, the earlier one first"))
        return cls(
            types=_types(asked["periods"]) if "periods" in asked else tuple(PeriodType),
            scope=scope,
            use_current_period=asked.get("use_current_period", False),
            start_date=start,
            end_date=end,
        )

    def parameters(self) -> dict[str, Any]:
        """What a session stores."""
        stored: dict[str, Any] = {
            "periods": [type.value for type in self.types],
            "scope": self.scope,
            "use_current_period": self.use_current_period,
        }
        if self.start_date and self.end_date:
            stored |= {"start_date": self.start_date.isoformat(), "end_date": self.end_date.isoformat()}
        return stored

    @property
    def is_range(self) -> bool:
        """Whether it names dates."""
        return self.start_date is not None

    def periods(self, type: PeriodType, today: date) -> list[Period]:
        """The periods of one type that it means on a day, in order."""
        if self.start_date and self.end_date:
            last = min(self.end_date, today)
            found = [one for one in periods.touched(type, self.start_date, last) if one.end < today]
        else:
            found = [periods.last_complete(type, today)]
        now = periods.current(type, today)
        is_meant = self.use_current_period and (self.end_date is None or self.end_date >= now.start)
        return [*found, now] if is_meant else found


def _types(names: Sequence[Any]) -> tuple[PeriodType, ...]:
    """In their fixed order. Raises ValidationFailed for one that is unknown or named twice, and for none."""
    unknown = [str(name) for name in names if name not in PeriodType.values]
    if unknown or not names or len(set(names)) < len(names):
        detail = _("periods must name one or more of {choices}, each once").format(choices=", ".join(PeriodType.values))
        if unknown:
            detail = _("unknown periods: {unknown}; known are: {choices}").format(
                unknown=", ".join(unknown), choices=", ".join(PeriodType.values)
            )
        raise ValidationFailed(detail=detail, extra={"fields": {"periods": [detail]}})
    return tuple(type for type in PeriodType if type.value in names)


def _date(value: Any) -> date | None:
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValidationFailed(detail=_("{value} is no date").format(value=value)) from None
