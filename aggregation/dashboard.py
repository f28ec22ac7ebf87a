"""What the dashboard says of trends."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from aggregation import periods, summaries
from aggregation.admin import cells, page
from aggregation.models import InstanceSizeAggregation
from aggregation.periods import PeriodType
from whalefall.cards import Card


def cards(request: HttpRequest) -> list[Card]:
    """By how much the fleet grew in the last complete month; one query. No card before that was rolled up."""
    if not request.user.has_perm("aggregation.view_instancesizeaggregation"):
        return []
    month = periods.last_complete(PeriodType.MONTHLY, timezone.localdate())
    rows = InstanceSizeAggregation.objects.filter(
        period_type=month.type, period_start=month.start, instance__deleted_at__isnull=True
    )
    numbers = summaries.of_one_period(rows)
    if not numbers["compared"]:
        return []
    return [
        Card(
            title=_("Growth in {period}").format(period=month.label),
            value=cells.change(numbers["size_change"]),
            detail=_("{percent} against the month before, of {instances} instances").format(
                percent=cells.percent(numbers["growth_rate"]), instances=numbers["compared"]
            ),
            link=page.trends_url(InstanceSizeAggregation, period_type=month.type.value, measure="change"),
            icon="monitoring",
        )
    ]
