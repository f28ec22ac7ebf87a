"""What the page of an instance says of its trends."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from aggregation import periods
from aggregation.admin import cells, page
from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.periods import PeriodType
from instances.models import Instance


def instance(request: HttpRequest, shown: Instance) -> SafeString | None:
    """Its last complete day, week, month and quarter; one query. Nothing for who may not see trends."""
    if not request.user.has_perm("aggregation.view_instancesizeaggregation"):
        return None
    today = timezone.localdate()
    last = [periods.last_complete(type, today) for type in PeriodType]
    rows = {
        (row.period_type, row.period_start): row
        for row in InstanceSizeAggregation.objects.filter(
            instance=shown, period_type__in=PeriodType.values, period_start__in={period.start for period in last}
        )
    }
    lines = []
    for period in last:
        row = rows.get((period.type, period.start))
        url = page.trends_url(InstanceSizeAggregation, period_type=period.type.value, instance__id__exact=shown.pk)
        figures = (
            ()
            if row is None
            else (cells.size(row, "total_size"), *(cells.measure(row, name) for name in ("change", "percent")))
        )
        badges = () if row is None else (cells.trend(row), cells.coverage(row))
        lines.append((period.type.label, period.label, url, figures, badges))
    context = {
        "lines": lines,
        "databases_url": page.trends_url(DatabaseSizeAggregation, instance__id__exact=shown.pk)
        if request.user.has_perm("aggregation.view_databasesizeaggregation")
        else "",
    }
    return render_to_string("aggregation/instance.html", context, request=request)
