"""Databases and their sizes as the API shows them: in bytes, and in MB of 1,048,576 bytes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from capacity import freshness, units
from capacity.growth_rates import growth
from capacity.models import DatabaseSizeStat, InstanceDatabase
from instances.models import Instance, Tag
from whalefall import messages
from whalefall.api.serializers import ModelSerializer

SIZES = ("size_bytes", "size_mb", "data_size_bytes", "data_size_mb", "log_size_bytes", "log_size_mb")


class Megabytes(serializers.FloatField):
    """A column of bytes in MB, to three places."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"read_only": True, "allow_null": True, **kwargs})

    def to_representation(self, value: int) -> float:  # type: ignore[override]  # DRF's stubs say str
        return units.megabytes(value)


class InstanceBrief(ModelSerializer[Instance]):
    """Where a database lives."""

    class Meta:
        model = Instance
        fields = ("id", "name", "host", "port", "db_type")


class TagBrief(ModelSerializer[Tag]):
    """A label of the instance."""

    class Meta:
        model = Tag
        fields = ("name", "display_name")


class GrowthSerializer(serializers.Serializer[Any]):
    """From one day's size to another's; `percent` is null where the first size was nothing."""

    bytes = serializers.IntegerField()
    mb = Megabytes(source="bytes")
    percent = serializers.FloatField(allow_null=True)
    since = serializers.DateField()
    until = serializers.DateField()


class Unread(serializers.Serializer[Any]):
    """Why the last read could not measure a database."""

    status = serializers.CharField()
    reason = serializers.CharField()


class LedgerSerializer(ModelSerializer[InstanceDatabase]):
    """A database as it was last measured.

    `growth` is over 1, 7 and 30 days, null where there is nothing to compare with; `unread` is null unless the last
    read could not measure the database, whose figures are then older.
    """

    instance = InstanceBrief()  # type: ignore[assignment]  # DRF has an attribute of that name, too
    db_type = serializers.CharField(source="instance.db_type")
    tags = TagBrief(source="instance.tags", many=True)
    size_mb = Megabytes(source="size_bytes")
    data_size_mb = Megabytes(source="data_size_bytes")
    log_size_mb = Megabytes(source="log_size_bytes")
    is_stale = serializers.SerializerMethodField()
    unread = serializers.SerializerMethodField()
    growth = serializers.SerializerMethodField()

    class Meta:
        model = InstanceDatabase
        fields = (
            "id", "database_name", "instance", "db_type", "tags", *SIZES, "method", "is_estimate", "collected_at",
            "is_stale", "unread", "growth", "is_active", "is_system", "filtered_by", "first_seen_date",
            "last_seen_date", "deleted_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_is_stale(self, database: Any) -> bool:
        return freshness.is_stale(database, database.due_at)

    @extend_schema_field(serializers.DictField(child=GrowthSerializer(allow_null=True)))
    def get_growth(self, database: Any) -> dict[str, dict[str, Any] | None]:
        return {
            str(days): None if rate is None else GrowthSerializer(rate).data for days, rate in growth(database).items()
        }

    @extend_schema_field(Unread(allow_null=True))
    def get_unread(self, database: Any) -> dict[str, str] | None:
        if database.unread_status is None:
            return None
        return {"status": database.unread_status, "reason": messages.translated(database.unread_reason)}


class SizeSerializer(ModelSerializer[DatabaseSizeStat]):
    """What a database weighed on one day. A day without a row was not measured."""

    instance_id = serializers.IntegerField()
    size_mb = Megabytes(source="size_bytes", allow_null=False)
    data_size_mb = Megabytes(source="data_size_bytes")
    log_size_mb = Megabytes(source="log_size_bytes")

    class Meta:
        model = DatabaseSizeStat
        fields = (
            "id", "instance_id", "database_name", "collected_date", *SIZES, "method", "is_estimate", "collected_at",
        )  # fmt: skip
        read_only_fields = fields


class KindStatistics(serializers.Serializer[Any]):
    """The databases of one kind of server. All but `hidden` and `deleted` are of those that lists show."""

    db_type = serializers.CharField()
    instances = serializers.IntegerField()
    databases = serializers.IntegerField()
    size_bytes = serializers.IntegerField()
    size_mb = Megabytes(source="size_bytes", allow_null=False)
    unmeasured = serializers.IntegerField(help_text="The last read could not measure them.")
    stale = serializers.IntegerField(help_text="Not measured since the schedule last came due.")
    hidden = serializers.IntegerField()
    deleted = serializers.IntegerField()


class DatabaseStatistics(serializers.Serializer[Any]):
    """All databases in numbers; `due_at` is when sizes last came due."""

    total_instances = serializers.IntegerField()
    total_databases = serializers.IntegerField()
    total_size_bytes = serializers.IntegerField()
    total_size_mb = Megabytes(source="total_size_bytes", allow_null=False)
    unmeasured = serializers.IntegerField()
    stale = serializers.IntegerField()
    hidden = serializers.IntegerField()
    deleted = serializers.IntegerField()
    due_at = serializers.DateTimeField()
    db_types = KindStatistics(many=True)
