"""Rolled-up sizes for programs: lists, summaries, CSV, and the start of a run."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aggregation import serializers, summaries
from aggregation.exports import csv_response
from aggregation.filters import AggregationFilter, DatabaseAggregationFilter
from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.options import Options
from aggregation.periods import PeriodType
from aggregation.services import start_aggregation
from whalefall import messages
from whalefall.api.envelope import Answer
from whalefall.api.permissions import current_user
from whalefall.errors import AggregationDisabled

CSV_FILE = {(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="UTF-8 with a byte order mark")}


SUMMARY_TEXT = (
    "The newest period that is over among the rows that the conditions leave; one that is not over only where there is"
    " no other, and then `is_over` is false. Counts say how many rows, and instances, tell less than they should."
)


class Aggregations(mixins.ListModelMixin, viewsets.GenericViewSet[Any]):
    """What both lists share."""

    default_sort = "period_start"
    default_order = "desc"
    filterset_class: type[AggregationFilter]

    @property
    def period_type(self) -> str:
        """Which one was asked for; the filter has checked it."""
        return self.request.query_params.get("period_type") or PeriodType.DAILY.value

    def summarized(self, request: Request) -> dict[str, Any]:
        """The numbers of the newest period among the rows that were asked for."""
        found = self.filter_queryset(self.get_queryset())
        instances = self.filterset_class(request.query_params, self.get_queryset()).instances()
        numbers = summaries.of_newest(found, instances, today=timezone.localdate())
        return {**numbers, "period_type": self.period_type}


@extend_schema_view(list=extend_schema(operation_id="capacity_databases", summary="Sizes of databases by period"))
class DatabaseAggregations(Aggregations):
    """Sizes of databases, rolled up by day, week, month or quarter."""

    queryset = DatabaseSizeAggregation.objects.select_related("instance")
    serializer_class = serializers.DatabaseAggregationSerializer
    filterset_class = DatabaseAggregationFilter
    sort_fields: ClassVar[dict[str, str]] = {
        "period_start": "period_start", "avg_size": "avg_size", "max_size": "max_size", "size_change": "size_change",
        "size_change_percent": "size_change_percent", "growth_rate": "size_change_percent",
        "database_name": "database_name",
    }  # fmt: skip

    @extend_schema(
        operation_id="capacity_databases_summary",
        filters=True,
        summary="One period of databases in numbers",
        description=SUMMARY_TEXT,
        responses=serializers.DatabaseSummaryDocument,
    )
    @action(detail=False)
    def summary(self, request: Request) -> Response:
        return Response({"summary": serializers.DatabaseSummarySerializer(self.summarized(request)).data})

    @extend_schema(
        operation_id="capacity_databases_exports", summary="Sizes of databases as CSV", filters=True, responses=CSV_FILE
    )
    @action(detail=False)
    def exports(self, request: Request) -> StreamingHttpResponse:
        return csv_response(self.filter_queryset(self.get_queryset()))


@extend_schema_view(list=extend_schema(operation_id="capacity_instances", summary="Sizes of instances by period"))
class InstanceAggregations(Aggregations):
    """Totals of instances, rolled up by day, week, month or quarter."""

    queryset = InstanceSizeAggregation.objects.select_related("instance")
    serializer_class = serializers.InstanceAggregationSerializer
    filterset_class = AggregationFilter
    sort_fields: ClassVar[dict[str, str]] = {
        "period_start": "period_start", "total_size": "total_size", "avg_size": "total_size", "max_size": "max_size",
        "total_size_change": "total_size_change", "growth_rate": "total_size_change_percent",
        "total_size_change_percent": "total_size_change_percent", "database_count": "database_count",
    }  # fmt: skip

    @extend_schema(
        operation_id="capacity_instances_summary",
        filters=True,
        summary="One period of instances in numbers",
        description=SUMMARY_TEXT,
        responses=serializers.InstanceSummaryDocument,
    )
    @action(detail=False)
    def summary(self, request: Request) -> Response:
        return Response({"summary": serializers.SummarySerializer(self.summarized(request)).data})

    @extend_schema(
        operation_id="capacity_instances_exports", summary="Sizes of instances as CSV", filters=True, responses=CSV_FILE
    )
    @action(detail=False)
    def exports(self, request: Request) -> StreamingHttpResponse:
        return csv_response(self.filter_queryset(self.get_queryset()))


class RunAggregation(APIView):
    """Over all active instances, by the workers."""

    permissions_required: ClassVar[dict[str, str]] = {"post": "instances.run_sync"}

    @extend_schema(
        operation_id="run_aggregation",
        summary="Roll sizes up",
        request=serializers.AggregationRequest,
        responses=serializers.AggregationStarted,
    )
    def post(self, request: Request) -> Response:
        options = Options.of(serializers.AggregationRequest.of(request))
        try:
            session = start_aggregation(options, user=current_user(request))
        except AggregationDisabled as off:
            return Answer({"skipped": True, "message_code": off.message_code}, message=messages.render_error(off))
        return Answer(
            {"session_id": session.session_id, "total_instances": session.total_instances, "skipped": False},
            message=_("The aggregation has started"),
        )
