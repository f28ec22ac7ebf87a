"""What a forecast amounts to, in the reader's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from capacity import forecast, units
from capacity.forecast import NEEDED, Arrival, Point, Refused, Trend

WINDOWS = (30, 90)  # days
FAR_DAYS = 3650  # nobody plans for what is further away


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One window's forecast. Without a trend, `growth` says why there is none."""

    days: int
    growth: str
    interval: str = ""
    basis: str = ""
    limit: str = ""
    tone: str = ""


def trends(points: Sequence[Point], until: date) -> dict[int, Trend | Refused]:
    """The forecast over each of WINDOWS."""
    return {days: forecast.trend(points, until=until, days=days) for days in WINDOWS}


def drawn(found: dict[int, Trend | Refused], chosen_days: int | None) -> Trend | None:
    """The trend that a chart of so many days goes on with: of the window that is nearest to it, if there is one."""
    nearest = WINDOWS if chosen_days is not None and chosen_days <= WINDOWS[0] else WINDOWS[::-1]
    return next((trend for days in nearest if isinstance(trend := found[days], Trend)), None)


def outlook(found: Trend | Refused, limit: int | None) -> Outlook:
    """A forecast, and when its limit is met if there is one."""
    if isinstance(found, Refused):
        return Outlook(days=found.days, growth=_refusal(found))
    sentence, tone = _limit(found, limit) if limit is not None else ("", "")
    return Outlook(
        days=found.days,
        growth=_("{growth} a day").format(growth=signed(found.slope)),
        interval=_("between {low} and {high} a day").format(low=signed(found.low), high=signed(found.high)),
        basis=_basis(found),
        limit=sentence,
        tone=tone,
    )


def signed(size: float) -> str:
    """A difference of sizes: +1.5 GB."""
    size = round(size)
    return ("+" if size > 0 else "−" if size < 0 else "") + units.readable(abs(size))


def _refusal(found: Refused) -> str:
    have = ngettext("%d measurement", "%d measurements", found.points) % found.points
    if found.shifted_on:
        return _("No forecast: {have} since the size changed its level on {day}, and it takes {needed}.").format(
            have=have, day=_day(found.shifted_on), needed=NEEDED
        )
    return _("No forecast: {have} in these days, and it takes {needed}.").format(have=have, needed=NEEDED)


def _basis(found: Trend) -> str:
    have = ngettext("%d measurement", "%d measurements", found.points) % found.points
    if found.shifted_on:
        return _("from {have} since the size changed its level on {day}").format(have=have, day=_day(found.shifted_on))
    return _("from {have}").format(have=have)


def _limit(found: Trend, limit: int) -> tuple[str, str]:
    if found.last.size_bytes >= limit:
        return _("The limit of {limit} is exceeded.").format(limit=units.readable(limit)), "danger"
    met = forecast.arrival(found, limit)
    if met is None:
        return _("It does not grow towards the limit of {limit}.").format(limit=units.readable(limit)), "success"
    tone = "danger" if met.expected <= 30 else "warning" if met.expected <= 90 else ""
    return _met(met, found.last.day, units.readable(limit)), tone


def _met(met: Arrival, last: date, limit: str) -> str:
    if met.expected > FAR_DAYS:
        return _("The limit of {limit} is more than ten years away.").format(limit=limit)
    when = {"limit": limit, "day": _day(last + timedelta(days=met.expected)), "days": round(met.expected)}
    earliest = _day(last + timedelta(days=met.low))
    if met.high is None or met.high > FAR_DAYS:
        return _(
            "The limit of {limit} is met about {day}, after {days} days: at the earliest {earliest}, perhaps never."
        ).format(earliest=earliest, **when)
    return _("The limit of {limit} is met about {day}, after {days} days: between {earliest} and {latest}.").format(
        earliest=earliest, latest=_day(last + timedelta(days=met.high)), **when
    )


def _day(day: date) -> str:
    return date_format(day, "Y-m-d")
