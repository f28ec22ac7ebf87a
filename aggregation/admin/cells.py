"""Figures of trends as words and badges."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext as _

from aggregation.models import Aggregation, TrendDirection
from capacity import units
from capacity.outlook import signed
from sessions_app.admin.links import badges

UNKNOWN = "—"
COUNTABLE = 1_000_000  # percent
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
TREND_TONES = {TrendDirection.GROWING: "info", TrendDirection.SHRINKING: "success", TrendDirection.STABLE: ""}


def size(row: Any, name: str) -> str:
    """A size of a row; of a lower bound it says so."""
    text = units.readable(getattr(row, name))
    return _("at least {size}").format(size=text) if is_lower_bound(row) else text


def unbroken(figure: str) -> str:
    """A figure that stays on one line."""
    return format_html('<span class="wf-grown">{}</span>', figure)


def change(bytes: int | None) -> str:
    """By how much something grew; a dash where nobody knows."""
    return UNKNOWN if bytes is None else signed(bytes)


def percent(value: Decimal | None) -> str:
    """The same in percent; what nobody would count the digits of as a power of ten: +2.00·10¹⁷ %."""
    if value is None:
        return UNKNOWN
    sign = "+" if value > 0 else "−" if value < 0 else ""
    if abs(value) < COUNTABLE:
        return f"{sign}{number_format(abs(value), 2, force_grouping=True)} %"
    mantissa, power = f"{abs(value):.2e}".split("e+")
    return f"{sign}{number_format(Decimal(mantissa), 2)}·10{power.translate(SUPERSCRIPT)} %"


def measure(row: Aggregation, name: str) -> str:
    """One of the MEASURES of a row."""
    if name == "size":
        return size(row, row.MEASURES[name])
    figure: Any = row.measure(name)
    return change(figure) if name == "change" else percent(figure)


def trend(row: Any) -> str:
    """Its direction as a badge."""
    direction = row.trend_direction
    if not direction:
        return UNKNOWN
    return badges([(TREND_TONES[TrendDirection(direction)], str(TrendDirection(direction).label))])


def coverage(row: Aggregation) -> str:
    """How many days it rests on, and what else makes it less than it should be."""
    return badges(flags(row))


def flags(row: Aggregation) -> list[tuple[str, str]]:
    """(tone, word) of each badge of coverage(), the days first."""
    is_over = row.period_end < timezone.localdate()
    days = _("{days} of {expected} days").format(days=row.data_count, expected=row.expected_days)
    held = [
        (True, "" if row.data_count == row.expected_days or not is_over else "warning", days),
        (not is_over, "info", _("Not over")),
        (is_lower_bound(row), "warning", _("Lower bound")),
        (row.is_stale, "warning", _("Stale")),
    ]
    return [(tone, word) for holds, tone, word in held if holds]


def is_lower_bound(row: Any) -> bool:
    """Whether some database was missing on every day of it; only totals of instances can be."""
    return bool(getattr(row, "is_lower_bound", False))
