"""Days, ISO weeks, months and quarters. Days are local dates, so no change of clocks can move a border."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

ONE_DAY = timedelta(days=1)
MONTHS_OF_A_QUARTER = 3
# The calendar ends in the years 1 and 9999; within these days every period has its neighbours.
FIRST_DAY, LAST_DAY = date(2, 1, 1), date(9998, 12, 31)


class PeriodType(TextChoices):
    DAILY = "daily", _("Day")
    WEEKLY = "weekly", _("Week")
    MONTHLY = "monthly", _("Month")
    QUARTERLY = "quarterly", _("Quarter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From the first to the last of its days, both included."""

    type: PeriodType
    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.start).days + 1

    @property
    def label(self) -> str:
        """Its name, the same in every language: 2026-03-17, 2026-W12, 2026-03, 2026-Q1."""
        match self.type:
            case PeriodType.DAILY:
                return self.start.isoformat()
            case PeriodType.WEEKLY:
                year, week, _day = self.start.isocalendar()
                return f"{year}-W{week:02}"
            case PeriodType.MONTHLY:
                return f"{self.start:%Y-%m}"
            case PeriodType.QUARTERLY:
                return f"{self.start.year}-Q{self.end.month // MONTHS_OF_A_QUARTER}"

    @property
    def previous(self) -> Period:
        """The one that ends on the day before this one starts."""
        return containing(self.type, self.start - ONE_DAY)

    @property
    def next(self) -> Period:
        """The one that starts on the day after this one ends."""
        return containing(self.type, self.end + ONE_DAY)


def containing(type: PeriodType, day: date) -> Period:
    """The period that a day lies in."""
    match type:
        case PeriodType.DAILY:
            start = end = day
        case PeriodType.WEEKLY:
            start = day - timedelta(days=day.weekday())
            end = start + timedelta(days=6)
        case PeriodType.MONTHLY:
            start, end = _months(day, first=day.month, number=1)
        case PeriodType.QUARTERLY:
            first = day.month - (day.month - 1) % MONTHS_OF_A_QUARTER
            start, end = _months(day, first=first, number=MONTHS_OF_A_QUARTER)
    return Period(type=type, start=start, end=end)


def current(type: PeriodType, today: date) -> Period:
    """The period that is not over yet."""
    return containing(type, today)


def last_complete(type: PeriodType, today: date) -> Period:
    """The newest period all of whose days are over."""
    return current(type, today).previous


def touched(type: PeriodType, first: date, last: date) -> list[Period]:
    """Every period that has a day from `first` to `last`, in order."""
    found: list[Period] = []
    day = first
    while day <= last:
        found.append(containing(type, day))
        day = found[-1].end + ONE_DAY
    return found


def _months(day: date, *, first: int, number: int) -> tuple[date, date]:
    """The first and last day of so many months of a day's year, from the month `first` on."""
    beyond = first + number
    after = date(day.year, beyond, 1) if beyond <= 12 else date(day.year + 1, beyond - 12, 1)
    return date(day.year, first, 1), after - ONE_DAY
