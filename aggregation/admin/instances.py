"""The page of trends by instance."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import F
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from aggregation.admin import cells
from aggregation.admin.filters import CompleteFilter
from aggregation.admin.trends import TrendPage
from aggregation.models import InstanceSizeAggregation


@admin.register(InstanceSizeAggregation)
class InstanceTrendPage(TrendPage):
    """Totals of instances by period."""

    list_filter = (*TrendPage.list_filter[:-1], "trend_direction", CompleteFilter)
    named = ("server", "kind")
    search_fields = ("instance__name",)
    search_help_text = _("Instance")

    @display(description=_("average"), ordering="total_size")
    def average(self, row: InstanceSizeAggregation) -> str:
        return cells.unbroken(cells.size(row, "total_size"))

    @display(description=_("change"), ordering=F("total_size_change").asc(nulls_first=True))
    def change(self, row: InstanceSizeAggregation) -> str:
        return cells.unbroken(cells.change(row.total_size_change))

    @display(description=_("percent"), ordering=F("total_size_change_percent").asc(nulls_first=True))
    def percent(self, row: InstanceSizeAggregation) -> str:
        return cells.unbroken(cells.percent(row.total_size_change_percent))

    @display(description=_("trend"), ordering="trend_direction")
    def trend(self, row: InstanceSizeAggregation) -> str:
        return cells.trend(row)
