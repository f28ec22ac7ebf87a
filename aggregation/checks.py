"""Settings of the aggregation that must agree with others."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from sessions_app.checks import MOST_DAYS

LEAST_DAYS = 185  # July to December: a quarter, the one before it, and the night after them


@register()
def check_sizes_are_kept(**kwargs: Any) -> list[CheckMessage]:
    """Sizes are kept for as long as the longest period and the one before it need them."""
    days = settings.RETENTION_DAYS.get("sizes")
    # 0 keeps for ever; what is no number of days is named by the check of the retention.
    if not settings.AGGREGATION_ENABLED or type(days) is not int or not 0 < days < LEAST_DAYS:
        return []
    return [
        Warning(
            f"RETENTION_SIZES_DAYS ({days}) is too short for quarters: they need {LEAST_DAYS} days.",
            hint="A quarter is compared with the one before it; neither is rolled up when its days may be gone.",
            id="aggregation.W001",
        )
    ]


@register()
def check_late_days(**kwargs: Any) -> list[CheckMessage]:
    """What is late is looked for on days that the calendar has."""
    days = settings.AGGREGATION_LATE_DAYS
    if type(days) is int and 0 <= days <= MOST_DAYS:
        return []
    return [
        Error(
            f"AGGREGATION_LATE_DAYS ({days!r}) must be a whole number from 0 to {MOST_DAYS}.",
            hint="0 leaves what is measured late to the back-fill.",
            id="aggregation.E001",
        )
    ]
