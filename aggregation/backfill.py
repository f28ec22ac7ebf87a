"""Cuts a range of dates into sessions, so that no statement has too much to do and a bar shows how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from django.db.models import Min
from django.utils.translation import gettext as _

from aggregation import retention
from aggregation.options import Options
from aggregation.periods import PeriodType
from capacity.models import DatabaseSizeStat
from whalefall.errors import ValidationFailed

# So many periods of a type in one session: about as many days are read for each.
AT_ONCE = {PeriodType.DAILY: 31, PeriodType.WEEKLY: 8, PeriodType.MONTHLY: 3, PeriodType.QUARTERLY: 1}


def measured(options: Options) -> Options:
    """The same range from the first day on of which there are sizes; one query. Raises ValidationFailed for none."""
    if options.start_date is None or options.end_date is None:
        return options
    first = DatabaseSizeStat.objects.aggregate(day=Min("collected_date"))["day"]
    if first is None or first > options.end_date:
        raise ValidationFailed(detail=_("nothing was measured in this range"))
    return replace(options, start_date=max(first, options.start_date))


def slices(options: Options, today: date) -> Iterator[Options]:
    """The options of one session after the other; without a range that is one.

    Raises ValidationFailed for a range without a complete period, and for one of which retention leaves none.
    """
    if not options.is_range:
        yield options
        return
    periods = {type: options.periods(type, today) for type in options.types}
    if not any(periods.values()):
        raise ValidationFailed(detail=_("no complete period lies in this range"))
    kept = {type: retention.possible(all_of_type, today) for type, all_of_type in periods.items()}
    if not any(kept.values()):
        raise ValidationFailed(
            detail=_("sizes are not kept long enough (RETENTION_SIZES_DAYS) for any period in this range")
        )
    for type, all_of_type in kept.items():
        for i in range(0, len(all_of_type), AT_ONCE[type]):
            part = all_of_type[i : i + AT_ONCE[type]]
            yield replace(options, types=(type,), start_date=part[0].start, end_date=part[-1].end)
