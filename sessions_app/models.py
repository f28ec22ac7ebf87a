"""Sync sessions and their instance records. The records are the queue of the engine."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from instances.models import Instance
from sessions_app.timetable import SyncSchedule as SyncSchedule  # a model of this app, in a file of its own
from whalefall import messages


class SyncType(models.TextChoices):
    MANUAL_SINGLE = "manual_single", _("Manual, one instance")
    MANUAL_BATCH = "manual_batch", _("Manual, chosen instances")
    MANUAL_TASK = "manual_task", _("Manual, all instances")
    SCHEDULED_TASK = "scheduled_task", _("Scheduled")


class SyncCategoryName(models.TextChoices):
    ACCOUNT = "account", _("Accounts")
    CAPACITY = "capacity", _("Capacity")
    CONFIG = "config", _("Configuration")
    AGGREGATION = "aggregation", _("Aggregation")
    CLASSIFICATION = "classification", _("Classification")
    OTHER = "other", _("Other")


class SessionStatus(models.TextChoices):
    RUNNING = "running", _("Running")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class RecordStatus(models.TextChoices):
    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    SKIPPED = "skipped", _("Skipped")


class CoverageStatus(models.TextChoices):
    OK = "ok", _("Read")
    DENIED = "denied", _("Denied")
    TIMEOUT = "timeout", _("Timed out")
    OFFLINE = "offline", _("Offline")
    ERROR = "error", _("Error")


class Outcome(models.TextChoices):
    CLEAN = "clean", _("Clean")
    PARTIAL = "partial", _("Partial")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    EMPTY = "empty", _("Empty")


OPEN = (RecordStatus.PENDING, RecordStatus.RUNNING)
# Sessions started by a person come first in the queue.
SCHEDULED_PRIORITY, MANUAL_PRIORITY = 1, 0


class SyncSession(models.Model):
    """One run of a category over many instances."""

    session_id = models.UUIDField(_("session"), default=uuid.uuid4, unique=True, editable=False)
    sync_type = models.CharField(_("type"), max_length=32, choices=SyncType)
    sync_category = models.CharField(_("category"), max_length=32, choices=SyncCategoryName)
    status = models.CharField(_("status"), max_length=16, choices=SessionStatus, default=SessionStatus.RUNNING)
    priority = models.PositiveSmallIntegerField(default=MANUAL_PRIORITY)
    max_attempts = models.PositiveSmallIntegerField(default=1)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)
    total_instances = models.PositiveIntegerField(_("instances"), default=0)
    # Frozen from the records when the session is finalized; until then count the records.
    successful_instances = models.PositiveIntegerField(_("successful"), default=0)
    failed_instances = models.PositiveIntegerField(_("failed"), default=0)
    skipped_instances = models.PositiveIntegerField(_("skipped"), default=0)
    cancelled_instances = models.PositiveIntegerField(_("cancelled"), default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("started by"),
    )  # fmt: skip
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    summary = models.JSONField(_("summary"), default=dict, blank=True)
    error_summary = models.JSONField(_("errors"), default=list, blank=True)
    retry_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="retries", verbose_name=_("retry of")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        db_table = "sync_sessions"
        verbose_name = _("sync session")
        verbose_name_plural = _("sync sessions")
        permissions = [
            ("cancel_syncsession", "Can cancel sync sessions"),
            ("retry_syncsession", "Can retry sync sessions"),
        ]
        indexes = [
            models.Index(fields=["-started_at"], name="sync_sessions_started"),
            models.Index(fields=["status", "sync_category"], name="sync_sessions_status"),
            models.Index(fields=["completed_at"], name="sync_sessions_completed"),
        ]
        constraints = [
            models.CheckConstraint(
                name="sync_sessions_final_has_end",
                condition=Q(status=SessionStatus.RUNNING, completed_at__isnull=True)
                | (~Q(status=SessionStatus.RUNNING) & Q(completed_at__isnull=False)),
            )
        ]

    def __str__(self) -> str:
        return str(self.session_id)

    @property
    def is_final(self) -> bool:
        """Whether nothing can change any more."""
        return self.status != SessionStatus.RUNNING

    @property
    def counts(self) -> dict[str, int]:
        """Records by status: frozen ones of a final session, else counted (or brought along by add_live_counts())."""
        if self.is_final:
            return {
                RecordStatus.PENDING: 0,
                RecordStatus.RUNNING: 0,
                RecordStatus.COMPLETED: self.successful_instances,
                RecordStatus.FAILED: self.failed_instances,
                RecordStatus.CANCELLED: self.cancelled_instances,
                RecordStatus.SKIPPED: self.skipped_instances,
            }
        if hasattr(self, "live_pending"):
            return {status: getattr(self, f"live_{status}") for status in RecordStatus.values}
        counted = dict(self.records.values_list("status").annotate(number=Count("pk")))
        return {status: counted.get(status, 0) for status in RecordStatus.values}

    @property
    def outcome(self) -> str:
        """How it ended; empty while it runs."""
        if not self.is_final:
            return ""
        if self.status == SessionStatus.CANCELLED:
            return Outcome.CANCELLED
        if self.failed_instances:
            return Outcome.PARTIAL if self.successful_instances else Outcome.FAILED
        return Outcome.CLEAN if self.successful_instances else Outcome.EMPTY

    @property
    def progress_percentage(self) -> int:
        """Share of the records that are final, 0 to 100."""
        if self.is_final:
            return 100
        counts = self.counts
        total = sum(counts.values())
        return 100 * (total - counts[RecordStatus.PENDING] - counts[RecordStatus.RUNNING]) // total if total else 0

    @property
    def duration_seconds(self) -> float:
        """From the start to the end, or until now."""
        return round(((self.completed_at or timezone.now()) - self.started_at).total_seconds(), 3)


class SyncInstanceRecord(models.Model):
    """One instance's part in a session."""

    session = models.ForeignKey(SyncSession, on_delete=models.CASCADE, related_name="records")
    instance = models.ForeignKey(
        Instance, on_delete=models.SET_NULL, null=True, related_name="sync_records", verbose_name=_("instance")
    )
    instance_name = models.CharField(_("instance name"), max_length=255)
    sync_category = models.CharField(_("category"), max_length=32, choices=SyncCategoryName)
    status = models.CharField(_("status"), max_length=16, choices=RecordStatus, default=RecordStatus.PENDING)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)
    items_synced = models.PositiveIntegerField(_("items"), default=0)
    items_created = models.PositiveIntegerField(_("created"), default=0)
    items_updated = models.PositiveIntegerField(_("updated"), default=0)
    items_deleted = models.PositiveIntegerField(_("deleted"), default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    lost_count = models.PositiveSmallIntegerField(_("lost workers"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    message_code = models.CharField(_("message code"), max_length=64, blank=True)
    reason = models.CharField(_("reason"), max_length=32, blank=True)
    error_params = models.JSONField(default=dict, blank=True)
    sync_details = models.JSONField(_("details"), default=dict, blank=True)
    # The lease: who works on it, and until when that is believed.
    claim_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    worker = models.CharField(_("worker"), max_length=128, blank=True)
    # The connection slot on the target's host: counted by the per-host limit whatever the status is.
    host_key = models.CharField(max_length=255, blank=True, editable=False)
    slot_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        db_table = "sync_instance_records"
        verbose_name = _("instance record")
        verbose_name_plural = _("instance records")
        indexes = [
            models.Index(fields=["session", "status"], name="sync_records_session_status"),
            models.Index(fields=["session", "id"], condition=Q(status="pending"), name="sync_records_pending"),
            models.Index(fields=["lease_expires_at"], condition=Q(status="running"), name="sync_records_leases"),
            models.Index(fields=["host_key"], condition=Q(slot_until__isnull=False), name="sync_records_slots"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["session", "instance"], name="sync_records_once_per_session"),
            models.UniqueConstraint(
                fields=["sync_category", "instance"],
                condition=Q(status__in=["pending", "running"]),
                name="sync_records_one_open",
            ),
            models.CheckConstraint(
                name="sync_records_token_iff_running",
                condition=Q(status="running", claim_token__isnull=False, lease_expires_at__isnull=False)
                | (~Q(status="running") & Q(claim_token__isnull=True, lease_expires_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="sync_records_final_has_end",
                condition=Q(status__in=["pending", "running"], completed_at__isnull=True)
                | (~Q(status__in=["pending", "running"]) & Q(completed_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instance_name} ({self.status})"

    @property
    def error_message(self) -> str:
        """What went wrong or why it was skipped, in the reader's language; empty when nothing did."""
        return messages.render(self.message_code, self.reason, self.error_params)

    @property
    def hint(self) -> str:
        """What helps, in the reader's language."""
        return messages.hint(self.message_code, self.reason, self.error_params)

    @property
    def is_cancelling(self) -> bool:
        """Cancelled, while its connection to the target may still be open."""
        return (
            self.status == RecordStatus.CANCELLED and self.slot_until is not None and self.slot_until > timezone.now()
        )


class InstanceCoverage(models.Model):
    """How far the last read of an instance got, by scope: what is known, and since when."""

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="coverage")
    sync_category = models.CharField(max_length=32, choices=SyncCategoryName)
    scope = models.CharField(_("scope"), max_length=512)
    status = models.CharField(_("status"), max_length=16, choices=CoverageStatus)
    reason = models.CharField(_("reason"), max_length=255, blank=True)
    categories = models.JSONField(default=list)  # what the last successful read of the scope covered
    last_ok_at = models.DateTimeField(_("last read"), null=True, blank=True)
    # Of the server's row alone: what the whole read amounted to, when all of it is stored, and how many items it had.
    read_digest = models.CharField(max_length=64, blank=True, editable=False)
    read_items = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        db_table = "instance_coverage"
        verbose_name = _("coverage")
        verbose_name_plural = _("coverage")
        constraints = [
            models.UniqueConstraint(fields=["instance", "sync_category", "scope"], name="instance_coverage_scope")
        ]

    def __str__(self) -> str:
        return f"{self.scope}: {self.status}"

    @property
    def why(self) -> str:
        """The reason in the reader's language."""
        return messages.translated(self.reason)


class Heartbeat(models.Model):
    """When something that has to happen again and again was last seen to happen, by the database's clock."""

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "heartbeats"
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
