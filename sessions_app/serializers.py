"""Sessions and records as the API shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from sessions_app.models import Outcome, RecordStatus, SyncCategoryName, SyncInstanceRecord, SyncSession
from whalefall.api.serializers import Body, ModelSerializer

ACCOUNT_FIELDS = ("accounts_synced", "accounts_created", "accounts_updated", "accounts_deleted")


class SessionSerializer(ModelSerializer[SyncSession]):
    """A session. While it runs, its numbers are counted from the records."""

    outcome = serializers.ChoiceField(choices=[("", "—"), *Outcome.choices], read_only=True)
    pending_instances = serializers.SerializerMethodField()
    running_instances = serializers.SerializerMethodField()
    successful_instances = serializers.SerializerMethodField()
    failed_instances = serializers.SerializerMethodField()
    skipped_instances = serializers.SerializerMethodField()
    cancelled_instances = serializers.SerializerMethodField()
    created_by_name = serializers.CharField(source="created_by.username", default=None, read_only=True)
    retry_of = serializers.UUIDField(source="retry_of.session_id", default=None, read_only=True)
    progress_percentage = serializers.IntegerField(read_only=True)
    duration_seconds = serializers.FloatField(read_only=True)

    class Meta:
        model = SyncSession
        fields = (
            "id", "session_id", "sync_type", "sync_category", "status", "outcome", "started_at", "completed_at",
            "total_instances", "pending_instances", "running_instances", "successful_instances", "failed_instances",
            "skipped_instances", "cancelled_instances", "progress_percentage", "duration_seconds", "created_by",
            "created_by_name", "parameters", "summary", "error_summary", "retry_of", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_pending_instances(self, session: SyncSession) -> int:
        return session.counts[RecordStatus.PENDING]

    def get_running_instances(self, session: SyncSession) -> int:
        return session.counts[RecordStatus.RUNNING]

    def get_successful_instances(self, session: SyncSession) -> int:
        return session.counts[RecordStatus.COMPLETED]

    def get_failed_instances(self, session: SyncSession) -> int:
        return session.counts[RecordStatus.FAILED]

    def get_skipped_instances(self, session: SyncSession) -> int:
        return session.counts[RecordStatus.SKIPPED]

    def get_cancelled_instances(self, session: SyncSession) -> int:
        return session.counts[RecordStatus.CANCELLED]


class RecordSerializer(ModelSerializer[SyncInstanceRecord]):
    """One instance's part in a session. `accounts_*` repeat `items_*` where the items are accounts."""

    session_id = serializers.UUIDField(source="session.session_id", read_only=True)
    instance_id = serializers.IntegerField(read_only=True, allow_null=True)
    error_message = serializers.CharField(read_only=True)
    hint = serializers.CharField(read_only=True)
    is_cancelling = serializers.BooleanField(read_only=True)
    accounts_synced = serializers.IntegerField(source="items_synced", read_only=True, required=False)
    accounts_created = serializers.IntegerField(source="items_created", read_only=True, required=False)
    accounts_updated = serializers.IntegerField(source="items_updated", read_only=True, required=False)
    accounts_deleted = serializers.IntegerField(source="items_deleted", read_only=True, required=False)

    class Meta:
        model = SyncInstanceRecord
        fields = (
            "id", "session_id", "instance_id", "instance_name", "sync_category", "status", "started_at",
            "completed_at", "items_synced", "items_created", "items_updated", "items_deleted", *ACCOUNT_FIELDS,
            "attempts", "lost_count", "next_attempt_at", "message_code", "reason", "error_params", "error_message",
            "hint", "is_cancelling", "sync_details", "worker", "lease_expires_at", "created_at",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: SyncInstanceRecord) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if instance.sync_category != SyncCategoryName.ACCOUNT:
            for name in ACCOUNT_FIELDS:
                del shown[name]
        return shown


class SessionDetailSerializer(SessionSerializer):
    """A session with the first page of its records and the sessions that retried it."""

    instance_records = RecordSerializer(many=True, read_only=True)
    records_total = serializers.IntegerField(read_only=True)
    retries = serializers.ListField(child=serializers.UUIDField(), source="retry_ids", read_only=True)

    class Meta:
        model = SyncSession
        fields = (*SessionSerializer.Meta.fields, "instance_records", "records_total", "retries")
        read_only_fields = fields


class SessionDocument(serializers.Serializer[Any]):
    """`{session: …}`"""

    session = SessionSerializer()


class SessionDetailDocument(serializers.Serializer[Any]):
    """`{session: …}` with records."""

    session = SessionDetailSerializer()


class StartedSession(serializers.Serializer[Any]):
    """What starting answers at once."""

    session_id = serializers.UUIDField()
    session = SessionSerializer()


class RetryRequest(Body):
    """Which records to try again: failed ones unless said otherwise, narrowed by reason or message code."""

    statuses = serializers.ListField(
        child=serializers.ChoiceField(choices=[RecordStatus.FAILED, RecordStatus.CANCELLED, RecordStatus.SKIPPED]),
        required=False,
        allow_empty=False,
    )
    reasons = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        allow_empty=False,
        max_length=50,
        help_text="Each a reason, a message code, or one error group: `CODE/reason`.",
    )


class ErrorGroupSerializer(serializers.Serializer[Any]):
    """How many records failed for one reason."""

    message_code = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField()


class ErrorLogs(serializers.Serializer[Any]):
    """What failed in a session, and why; `error_records` is one page of `total`."""

    session = SessionSerializer()
    error_records = RecordSerializer(many=True)
    error_count = serializers.IntegerField()
    error_groups = ErrorGroupSerializer(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    limit = serializers.IntegerField()


class LastDay(serializers.Serializer[Any]):
    """The sessions that started in the last 24 hours."""

    sessions = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())
    success_rate = serializers.FloatField(allow_null=True)


class Statistics(serializers.Serializer[Any]):
    """All sessions in numbers. Rates are percent of completed among completed and failed; null without any."""

    total_sessions = serializers.IntegerField()
    running_now = serializers.IntegerField()
    success_rate = serializers.FloatField(allow_null=True)
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_category = serializers.DictField(child=serializers.IntegerField())
    by_type = serializers.DictField(child=serializers.IntegerField())
    last_24_hours = LastDay()
