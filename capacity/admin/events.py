"""Databases that grew suddenly, in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter, RelatedDropdownFilter
from unfold.decorators import display

from capacity import units
from capacity.models import GrowthEvent, InstanceDatabase
from sessions_app.admin.links import link, page_url
from sessions_app.admin.readonly import ReadOnlyAdmin


@admin.register(GrowthEvent)
class GrowthEventPage(ReadOnlyAdmin):
    """What grew by more than both thresholds, the newest first."""

    list_display = ("collected_date", "name", "server", "before", "after", "growth", "percent", "compared_with")
    list_display_links = ("collected_date",)
    list_filter = (("instance", RelatedDropdownFilter), ("collected_date", RangeDateFilter))
    list_filter_submit = True
    list_per_page = 50
    list_select_related = ("instance",)
    show_full_result_count = False
    search_fields = ("database_name", "instance__name")
    search_help_text = _("Database or instance")
    ordering = ("-collected_date", "-pk")
    fields = ("collected_date", "name", "server", "before", "after", "growth", "percent", "compared_with", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[GrowthEvent]:
        events: QuerySet[GrowthEvent] = super().get_queryset(request)
        own = InstanceDatabase.objects.filter(instance=OuterRef("instance"), database_name=OuterRef("database_name"))
        return events.filter(instance__deleted_at__isnull=True).annotate(
            database_id=Subquery(own.values("pk")[:1]),
            grown=F("size_after") - F("size_before"),
            grown_percent=100.0 * F("grown") / F("size_before"),
        )

    @display(description=_("database"), ordering="database_name")
    def name(self, event: Any) -> str:
        return link(page_url("capacity_instancedatabase", event.database_id), event.database_name)

    @display(description=_("instance"), ordering="instance__name")
    def server(self, event: GrowthEvent) -> str:
        return link(page_url("instances_instance", event.instance_id), event.instance.name)

    @display(description=_("size before"), ordering="size_before")
    def before(self, event: GrowthEvent) -> str:
        return units.readable(event.size_before)

    @display(description=_("size after"), ordering="size_after")
    def after(self, event: GrowthEvent) -> str:
        return units.readable(event.size_after)

    @display(description=_("growth"), ordering="grown")
    def growth(self, event: GrowthEvent) -> str:
        return f"+{units.readable(event.growth_bytes)}"

    @display(description=_("per cent"), ordering="grown_percent")
    def percent(self, event: Any) -> str:
        return f"+{event.grown_percent:.1f} %"

    @display(description=_("measured before"), ordering="date_before")
    def compared_with(self, event: GrowthEvent) -> Any:
        return event.date_before
