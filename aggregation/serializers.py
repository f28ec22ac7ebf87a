"""Rolled-up sizes and the requests about them as the API tells them: bytes, and the same in whole MB."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from rest_framework import serializers

from aggregation.models import PERCENT_DIGITS, DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.options import SCOPES
from aggregation.periods import PeriodType
from instances.models import Instance
from whalefall.api.serializers import Body, ModelSerializer

MB = 1024 * 1024
ABOUT_THE_PERIOD = (
    "id", "instance_id", "instance", "period_type", "period_start", "period_end", "data_count", "expected_days",
    "is_complete", "is_stale",
)  # fmt: skip
TIMES = ("collected_at", "calculated_at", "created_at")
DATABASE_SIZES = (
    "avg_size", "max_size", "min_size", "avg_data_size", "max_data_size", "min_data_size", "avg_log_size",
    "max_log_size", "min_log_size", "size_change", "data_size_change", "log_size_change",
)  # fmt: skip
INSTANCE_SIZES = ("total_size", "avg_size", "max_size", "min_size", "total_size_change")


M = TypeVar("M", DatabaseSizeAggregation, InstanceSizeAggregation)


class MegabytesField(serializers.IntegerField):
    """The field of the same name without `_mb`, in MB, rounded to the nearest."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"read_only": True, "allow_null": True, **kwargs})

    def to_representation(self, value: int) -> int:
        return (2 * abs(value) + MB) // (2 * MB) * (1 if value >= 0 else -1)


class InstanceName(ModelSerializer[Instance]):
    class Meta:
        model = Instance
        fields = ("id", "name", "db_type")


class AggregationSerializer(ModelSerializer[M]):
    """Every size in bytes, and as `…_mb`."""

    instance: Any = InstanceName()
    growth_rate = serializers.DecimalField(max_digits=PERCENT_DIGITS, decimal_places=2, allow_null=True)
    sizes: ClassVar[tuple[str, ...]]

    def get_fields(self) -> dict[str, serializers.Field]:
        return {**super().get_fields(), **{f"{name}_mb": MegabytesField(source=name) for name in self.sizes}}


class DatabaseAggregationSerializer(AggregationSerializer[DatabaseSizeAggregation]):
    """One period of one database."""

    sizes = DATABASE_SIZES

    class Meta:
        model = DatabaseSizeAggregation
        fields = (
            *ABOUT_THE_PERIOD, "database_name", *DATABASE_SIZES,
            "size_change_percent", "data_size_change_percent", "log_size_change_percent", "growth_rate", *TIMES,
        )  # fmt: skip
        read_only_fields = fields


class InstanceAggregationSerializer(AggregationSerializer[InstanceSizeAggregation]):
    """One period of the totals of one instance."""

    sizes = INSTANCE_SIZES
    avg_size = serializers.IntegerField()

    class Meta:
        model = InstanceSizeAggregation
        fields = (
            *ABOUT_THE_PERIOD, "is_lower_bound", *INSTANCE_SIZES,
            "total_size_change_percent", "database_count", "avg_database_count", "max_database_count",
            "min_database_count", "database_count_change", "database_count_change_percent", "growth_rate",
            "trend_direction", *TIMES,
        )  # fmt: skip
        read_only_fields = fields


class SummarySerializer(serializers.Serializer[Any]):
    """The rows of one period together; sizes are averages of the period, in bytes.

    Without any row `period_start`, `period_end`, `is_over` and `missing_instances` are null and the rest is 0.
    """

    period_type = serializers.ChoiceField(choices=PeriodType.choices)
    period_start = serializers.DateField(allow_null=True)
    period_end = serializers.DateField(allow_null=True)
    is_over = serializers.BooleanField(allow_null=True)
    total_instances = serializers.IntegerField()
    missing_instances = serializers.IntegerField(
        allow_null=True, help_text="Active instances of the filter that have no row of this period."
    )
    rows = serializers.IntegerField()
    compared = serializers.IntegerField(help_text="Rows that have a change against the period before.")
    incomplete = serializers.IntegerField(help_text="Rows that do not rest on every day of the period.")
    stale = serializers.IntegerField(help_text="Rows of which a day was measured after they were calculated.")
    lower_bounds = serializers.IntegerField(
        help_text="Totals in which some database is missing; then total_size is at least this."
    )
    total_size = serializers.IntegerField()
    avg_size = serializers.IntegerField()
    max_size = serializers.IntegerField()
    total_size_mb = MegabytesField(source="total_size")
    avg_size_mb = MegabytesField(source="avg_size")
    max_size_mb = MegabytesField(source="max_size")
    size_change = serializers.IntegerField(help_text="Of those that were measured in the period before, too.")
    growth_rate = serializers.DecimalField(max_digits=PERCENT_DIGITS, decimal_places=2, allow_null=True)


class DatabaseSummarySerializer(SummarySerializer):
    total_databases = serializers.IntegerField(source="rows")


class DatabaseSummaryDocument(serializers.Serializer[Any]):
    summary = DatabaseSummarySerializer()


class InstanceSummaryDocument(serializers.Serializer[Any]):
    summary = SummarySerializer()


class AggregationRequest(Body):
    """What to roll up: the last complete day, week, month and quarter unless narrowed."""

    periods = serializers.ListField(
        child=serializers.CharField(max_length=32), required=False, help_text="daily, weekly, monthly, quarterly."
    )
    scope = serializers.ChoiceField(choices=SCOPES, default="all")
    use_current_period = serializers.BooleanField(
        default=False, help_text="Also the periods that are not over; their rows are marked as incomplete."
    )


class AggregationStarted(serializers.Serializer[Any]):
    """The session that was started; or that none was, because the aggregation is switched off."""

    session_id = serializers.UUIDField(required=False)
    total_instances = serializers.IntegerField(required=False)
    skipped = serializers.BooleanField()
    message_code = serializers.CharField(required=False)
