"""Databases and their sizes for programs, and what starts measuring them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from capacity import export, freshness, listing
from capacity.models import DatabaseSizeStat, InstanceDatabase
from capacity.selection import LedgerFilter, SizeFilter
from capacity.serializers import DatabaseStatistics, LedgerSerializer, SizeSerializer
from capacity.statistics import database_statistics
from sessions_app import sync_api
from sessions_app.models import SyncCategoryName
from sessions_app.sync_api import BatchStarted, ManyInstances, SyncResultDocument
from whalefall.api.csv import CsvFile, CsvRenderer

READ_AT_ONCE = 2000  # rows of an export that are in memory together


@extend_schema_view(
    list=extend_schema(
        summary="Databases with their latest size",
        description="By name unless sorted otherwise, without hidden and vanished ones unless asked for.",
    )
)
class LedgerViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[InstanceDatabase]):
    """Every database of every instance: its latest size, how fresh that is, and how it grew."""

    queryset = InstanceDatabase.objects.filter(instance__deleted_at__isnull=True)
    serializer_class = LedgerSerializer
    filterset_class = LedgerFilter
    sort_fields: ClassVar[dict[str, str]] = {
        "database_name": "database_name",
        "instance_name": "instance__name",
        "size_bytes": "size_bytes",
        "collected_at": "collected_at",
        "first_seen_date": "first_seen_date",
        "last_seen_date": "last_seen_date",
    }
    default_sort = "database_name"

    def paginate_queryset(self, queryset: Any) -> Any:
        return listing.described(super().paginate_queryset(queryset.values_list("pk", flat=True)) or [])

    @extend_schema(
        operation_id="export_databases",
        summary="Databases as a CSV file",
        description="All that the conditions leave, in the order asked for; harmless in a spreadsheet.",
        parameters=[OpenApiParameter("format", exclude=True)],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    @action(
        detail=False,
        url_path="exports",
        pagination_class=None,
        renderer_classes=[*api_settings.DEFAULT_RENDERER_CLASSES, CsvRenderer],
    )
    def exports(self, request: Request) -> HttpResponseBase:
        databases = listing.placed(self.filter_queryset(self.get_queryset())).iterator(chunk_size=READ_AT_ONCE)
        return CsvFile(export.lines(databases, freshness.last_due()), name="database_ledger")


@extend_schema_view(list=extend_schema(summary="What the databases of an instance weighed day by day"))
class SizeViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[DatabaseSizeStat]):
    """Sizes of the databases of one instance, one row for each day on which one was measured."""

    queryset = DatabaseSizeStat.objects.filter(instance__deleted_at__isnull=True)
    serializer_class = SizeSerializer
    filterset_class = SizeFilter
    sort_fields: ClassVar[dict[str, str]] = {
        "collected_date": "collected_date",
        "database_name": "database_name",
        "size_bytes": "size_bytes",
    }
    default_sort, default_order = "collected_date", "desc"


class StatisticsView(APIView):
    """All databases in numbers."""

    permissions_required: ClassVar[dict[str, str]] = {"get": "capacity.view_instancedatabase"}

    @extend_schema(operation_id="database_statistics", summary="Databases in numbers", responses=DatabaseStatistics)
    def get(self, request: Request) -> Response:
        return Response(DatabaseStatistics(database_statistics()).data)


@extend_schema_view(
    post=extend_schema(
        operation_id="sync_capacity",
        summary="Measure the databases of many instances",
        request=ManyInstances,
        responses=BatchStarted,
    )
)
class SyncCapacity(sync_api.SyncMany):
    """Over many instances, by the workers."""

    category = SyncCategoryName.CAPACITY


@extend_schema_view(
    post=extend_schema(
        operation_id="sync_instance_capacity",
        summary="Measure the databases of one instance",
        description=(
            "Over one instance, while the caller waits for SYNC_INLINE_SECONDS at most. A server all of whose databases"
            " are hidden answers 200 with `status: skipped` and `success: false`: its databases are stored, but there"
            " is no total, and nothing failed. Sizes stand in `details`, in bytes."
        ),
        request=None,
        responses={200: SyncResultDocument, 202: OpenApiResponse(SyncResultDocument, description="Still running")},
    )
)
class SyncInstanceCapacity(sync_api.SyncOne):
    """Over one instance, while the caller waits for SYNC_INLINE_SECONDS at most."""

    category = SyncCategoryName.CAPACITY
    done_text = _("{synced} databases read: {created} added, {updated} known, {deleted} vanished")
    nothing_to_do = frozenset({"no_active_database"})
