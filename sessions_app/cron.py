"""Cron expressions: five fields, weekdays as everywhere (0 or 7 is Sunday), times in TIME_ZONE."""

from __future__ import annotations

import re
from datetime import datetime

from croniter import croniter
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from whalefall.errors import InvalidCron

FIELDS = 5
LONGEST = 100  # what django-q2 stores
# croniter understands more, which no crontab does: R and H draw a time by lot, and another one at each look.
BY_LOT = re.compile(r"\b[rh]\b", re.IGNORECASE)


def check(text: str) -> str:
    """The expression with single spaces. Raises InvalidCron, also for one that never comes due."""
    cron = " ".join(text.split())
    if not cron.isascii() or len(cron.split()) != FIELDS or len(cron) > LONGEST or BY_LOT.search(cron):
        raise InvalidCron(cron=cron)
    try:
        next_after(cron, timezone.now())
    except ValueError as error:
        raise InvalidCron(cron=cron) from error
    return cron


def next_after(cron: str, moment: datetime) -> datetime:
    """When it comes due after a moment."""
    found: datetime = _from(cron, moment).get_next(datetime)
    return found


def last_before(cron: str, moment: datetime) -> datetime:
    """When it last came due before a moment."""
    found: datetime = _from(cron, moment).get_prev(datetime)
    return found


def _from(cron: str, moment: datetime) -> croniter:
    return croniter(cron, timezone.localtime(moment, timezone.get_default_timezone()))


def every(minutes: int) -> str:
    """An interval in words."""
    return _("every minute") if minutes == 1 else _("every {minutes} minutes").format(minutes=minutes)


def words(cron: str) -> str:
    """The simple ones in words, for example "daily at 01:00"; any other as it is written."""
    if step := re.fullmatch(r"\*/(\d+) \* \* \* \*", cron):
        minutes = int(step[1])
        # 7 does not divide the hour: */7 starts anew at each one, so that no "every 7 minutes" would be true.
        return every(minutes) if 60 % minutes == 0 else cron
    minutes_, hours, days, months, weekdays = croniter.expand(cron)[0]
    if months != ["*"] or len(minutes_) != 1 or minutes_ == ["*"] or len(hours) != 1:
        return cron
    if hours == ["*"]:
        return _("hourly at minute {minute}").format(minute=minutes_[0]) if days == weekdays == ["*"] else cron
    time = f"{hours[0]:02}:{minutes_[0]:02}"
    if days == weekdays == ["*"]:
        return _("daily at {time}").format(time=time)
    if days == ["*"] and all(isinstance(day, int) for day in weekdays) and "#" not in cron:
        names = ", ".join(str(WEEKDAYS_ABBR[(day - 1) % 7]) for day in sorted(weekdays, key=lambda day: (day - 1) % 7))
        return _("{weekdays} at {time}").format(weekdays=names, time=time)
    if weekdays == ["*"] and len(days) == 1 and isinstance(days[0], int):
        return _("on day {day} of each month at {time}").format(day=days[0], time=time)
    return cron
