"""The page of trends by database."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import F
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from aggregation.admin import cells, page
from aggregation.admin.filters import HiddenFilter
from aggregation.admin.trends import TrendPage
from aggregation.models import DatabaseSizeAggregation
from sessions_app.admin.links import link


@admin.register(DatabaseSizeAggregation)
class DatabaseTrendPage(TrendPage):
    """Sizes of databases by period."""

    list_filter = (*TrendPage.list_filter, HiddenFilter)
    named = ("name", "server")
    search_fields = ("database_name", "instance__name")
    search_help_text = _("Database or instance")

    @display(description=_("database"), ordering="database_name")
    def name(self, row: DatabaseSizeAggregation) -> str:
        return link(page.row_url(row), row.database_name)

    @display(description=_("average"), ordering="avg_size")
    def average(self, row: DatabaseSizeAggregation) -> str:
        return cells.unbroken(cells.size(row, "avg_size"))

    @display(description=_("change"), ordering=F("size_change").asc(nulls_first=True))
    def change(self, row: DatabaseSizeAggregation) -> str:
        return cells.unbroken(cells.change(row.size_change))

    @display(description=_("percent"), ordering=F("size_change_percent").asc(nulls_first=True))
    def percent(self, row: DatabaseSizeAggregation) -> str:
        return cells.unbroken(cells.percent(row.size_change_percent))

    @display(description=_("trend"), ordering=F("size_change_percent").asc(nulls_first=True))
    def trend(self, row: DatabaseSizeAggregation) -> str:
        return cells.trend(row)
