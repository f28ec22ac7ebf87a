"""The databases of instances, what they weigh day by day, and what an operator wants to know of that."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

import dbms
from instances.models import Instance
from sessions_app.models import SyncSession

NAME_LENGTH = 512  # SQL Server's 128 characters may all be written as escapes


class InstanceDatabaseQuerySet(models.QuerySet["InstanceDatabase"]):
    def present(self) -> InstanceDatabaseQuerySet:
        """Databases that exist on their server, as far as was read, of instances that are looked after."""
        return self.filter(is_active=True, instance__deleted_at__isnull=True)

    def listed(self) -> InstanceDatabaseQuerySet:
        """What lists and totals show by default: neither the server's own databases nor filtered ones."""
        return self.present().filter(is_system=False, filtered_by="")


class InstanceDatabase(models.Model):
    """One database of an instance, with its latest figures; all sizes in bytes."""

    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="databases", verbose_name=_("instance")
    )
    database_name = models.CharField(_("database"), max_length=NAME_LENGTH)
    is_active = models.BooleanField(_("active"), default=True)
    is_system = models.BooleanField(_("system"), default=False)
    filtered_by = models.CharField(_("filtered by"), max_length=NAME_LENGTH, blank=True)  # the filter's pattern
    size_bytes = models.BigIntegerField(_("size"), null=True, blank=True)  # as last measured, null when never
    data_size_bytes = models.BigIntegerField(_("data"), null=True, blank=True)
    log_size_bytes = models.BigIntegerField(_("log"), null=True, blank=True)
    method = models.CharField(_("method"), max_length=32, blank=True)
    is_estimate = models.BooleanField(_("estimate"), default=False)
    collected_date = models.DateField(null=True, blank=True)  # the day of the last sample
    collected_at = models.DateTimeField(_("measured"), null=True, blank=True)
    first_seen_date = models.DateField(_("first seen"))
    last_seen_date = models.DateField(_("last seen"))
    deleted_at = models.DateTimeField(_("vanished"), null=True, blank=True)

    objects = InstanceDatabaseQuerySet.as_manager()

    class Meta:
        db_table = "instance_databases"
        verbose_name = _("database")
        verbose_name_plural = _("databases")
        constraints = [
            models.UniqueConstraint(fields=["instance", "database_name"], name="instance_databases_identity")
        ]
        indexes = [
            models.Index(fields=["database_name"], name="instance_databases_name"),
            models.Index(fields=["-size_bytes"], name="instance_databases_size"),
        ]

    def __str__(self) -> str:
        return self.database_name

    @property
    def is_hidden(self) -> bool:
        """Whether lists and totals leave it out by default."""
        return self.is_system or bool(self.filtered_by)


class DatabaseSizeStat(models.Model):
    """What one database weighed on one day, in bytes. A day without a row was not measured: a gap, no zero."""

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="+", verbose_name=_("instance"))
    database_name = models.CharField(_("database"), max_length=NAME_LENGTH)
    size_bytes = models.BigIntegerField(_("size"))
    data_size_bytes = models.BigIntegerField(_("data"), null=True, blank=True)
    log_size_bytes = models.BigIntegerField(_("log"), null=True, blank=True)
    method = models.CharField(_("method"), max_length=32)
    is_estimate = models.BooleanField(_("estimate"), default=False)
    collected_date = models.DateField(_("day"))  # in TIME_ZONE, of the read's beginning
    collected_at = models.DateTimeField(_("measured"))

    class Meta:
        db_table = "database_size_stats"
        verbose_name = _("database size")
        verbose_name_plural = _("database sizes")
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "database_name", "collected_date"], name="database_size_stats_day"
            )
        ]
        indexes = [
            models.Index(fields=["instance", "collected_date"], name="database_size_stats_instance"),
            models.Index(fields=["collected_date"], name="database_size_stats_date"),
        ]

    def __str__(self) -> str:
        return f"{self.database_name} {self.collected_date}"


class InstanceSizeStat(models.Model):
    """What the databases of one instance weighed together on one day, in bytes.

    `total_size_bytes` and `database_count` are of the databases that lists show; `hidden_size_bytes` is what system and
    filtered ones take, `shared_size_bytes` what belongs to no database. Not `is_complete`: some database was not
    measured that day, or nobody can say whether all are known, so the total is a lower bound.
    """

    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="size_stats", verbose_name=_("instance")
    )
    total_size_bytes = models.BigIntegerField(_("total size"))
    database_count = models.PositiveIntegerField(_("databases"))
    hidden_size_bytes = models.BigIntegerField(_("hidden"), default=0)
    shared_size_bytes = models.BigIntegerField(_("shared"), default=0)
    is_complete = models.BooleanField(_("complete"), default=True)
    session = models.ForeignKey(SyncSession, on_delete=models.SET_NULL, null=True, related_name="size_stats")
    collected_date = models.DateField(_("day"))
    collected_at = models.DateTimeField(_("measured"))

    class Meta:
        db_table = "instance_size_stats"
        verbose_name = _("instance size")
        verbose_name_plural = _("instance sizes")
        constraints = [models.UniqueConstraint(fields=["instance", "collected_date"], name="instance_size_stats_day")]
        indexes = [models.Index(fields=["collected_date"], name="instance_size_stats_date")]

    def __str__(self) -> str:
        return f"{self.instance_id} {self.collected_date}"


class SizePart(models.Model):
    """A tablespace, a schema, or what databases share, as it was at the instance's last read; sizes in bytes."""

    class Kind(models.TextChoices):
        TABLESPACE = "tablespace", _("Tablespace")
        SCHEMA = "schema", _("Schema")
        SHARED = "shared", _("Shared")

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="size_parts")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    database_name = models.CharField(_("database"), max_length=NAME_LENGTH, blank=True)
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    size_bytes = models.BigIntegerField(_("size"))
    used_bytes = models.BigIntegerField(_("used"), null=True, blank=True)
    max_bytes = models.BigIntegerField(_("at most"), null=True, blank=True)
    collected_at = models.DateTimeField(_("measured"))

    class Meta:
        db_table = "instance_size_parts"
        verbose_name = _("part")
        verbose_name_plural = _("parts")
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "kind", "database_name", "name"], name="instance_size_parts_identity"
            )
        ]

    def __str__(self) -> str:
        return self.name


class DatabaseFilter(models.Model):
    """Databases of one kind of server that lists and totals leave out: they are measured and stored all the same."""

    class Match(models.TextChoices):
        EXACT = "exact", _("Exactly this name")
        LIKE = "like", _("Pattern")

    db_type = models.CharField(_("database kind"), max_length=32, choices=dbms.choices)
    match = models.CharField(_("match"), max_length=8, choices=Match, default=Match.EXACT)
    pattern = models.CharField(
        _("name or pattern"),
        max_length=NAME_LENGTH,
        help_text=_(
            "Upper and lower case are equal. In a pattern % stands for any characters and _ for one; "
            r"\% and \_ stand for themselves."
        ),
    )
    is_active = models.BooleanField(_("active"), default=True)
    description = models.CharField(_("description"), max_length=255, blank=True)

    class Meta:
        db_table = "database_filters"
        verbose_name = _("database filter")
        verbose_name_plural = _("database filters")
        constraints = [
            models.UniqueConstraint(fields=["db_type", "match", "pattern"], name="database_filters_identity")
        ]

    def __str__(self) -> str:
        return self.pattern


class GrowthEvent(models.Model):
    """A database that grew by more than both thresholds since its sample before; sizes in bytes."""

    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="growth_events", verbose_name=_("instance")
    )
    database_name = models.CharField(_("database"), max_length=NAME_LENGTH)
    size_before = models.BigIntegerField(_("size before"))
    size_after = models.BigIntegerField(_("size after"))
    date_before = models.DateField(_("measured before"))
    collected_date = models.DateField(_("day"))
    created_at = models.DateTimeField(_("seen"), db_default=Now())

    class Meta:
        db_table = "database_growth_events"
        verbose_name = _("growth event")
        verbose_name_plural = _("growth events")
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "database_name", "collected_date"], name="database_growth_events_day"
            ),
            models.CheckConstraint(condition=Q(size_before__gt=0), name="database_growth_events_baseline"),
        ]
        indexes = [models.Index(fields=["-collected_date"], name="database_growth_events_date")]

    def __str__(self) -> str:
        return f"{self.database_name} {self.collected_date}"

    @property
    def growth_bytes(self) -> int:
        """By how much it grew."""
        return self.size_after - self.size_before

    @property
    def growth_percent(self) -> float:
        """By how much of its size before it grew."""
        return round(100 * self.growth_bytes / self.size_before, 2)


class CapacityLimit(models.Model):
    """How large a database, or all listed databases of an instance together, may become: what forecasts count to."""

    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="capacity_limits", verbose_name=_("instance")
    )
    database_name = models.CharField(
        _("database"), max_length=NAME_LENGTH, blank=True, help_text=_("Empty for the whole instance.")
    )
    limit_bytes = models.BigIntegerField(_("limit"), validators=[MinValueValidator(1)])

    class Meta:
        db_table = "capacity_limits"
        verbose_name = _("capacity limit")
        verbose_name_plural = _("capacity limits")
        constraints = [models.UniqueConstraint(fields=["instance", "database_name"], name="capacity_limits_identity")]

    def __str__(self) -> str:
        return f"{self.instance}: {self.database_name}" if self.database_name else str(self.instance)


class TableSizeSnapshot(models.Model):
    """The largest tables of one database at one moment, measured because somebody asked.

    `tables` is [{schema, name, size_bytes, data_size_bytes, index_size_bytes, row_estimate}], the largest first.
    """

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="table_sizes")
    database_name = models.CharField(_("database"), max_length=NAME_LENGTH)
    tables = models.JSONField(default=list)
    asked_for = models.PositiveIntegerField()  # so many of the largest
    duration_seconds = models.FloatField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    collected_at = models.DateTimeField(_("measured"), db_default=Now())

    class Meta:
        db_table = "table_size_snapshots"
        verbose_name = _("table sizes")
        verbose_name_plural = _("table sizes")
        indexes = [
            models.Index(fields=["instance", "database_name", "-collected_at"], name="table_size_snapshots_latest")
        ]

    def __str__(self) -> str:
        return f"{self.database_name} {self.collected_at}"

    @property
    def has_more(self) -> bool:
        """Whether the database may have further tables."""
        return len(self.tables) >= self.asked_for
