"""What databases and instances weighed over a day, a week, a month, a quarter, and how that changed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aggregation.periods import Period, PeriodType
from capacity.models import NAME_LENGTH
from instances.models import Instance

PERCENT_DIGITS = 23  # wide enough for a byte that becomes the largest size that a column holds
TREND_PERCENT = 5  # up to which a change is none to speak of; sql/instances.sql says the same


class TrendDirection(models.TextChoices):
    GROWING = "growing", _("Growing")
    SHRINKING = "shrinking", _("Shrinking")
    STABLE = "stable", _("Stable")


class Aggregation(models.Model):
    """One period of something whose sizes are known day by day; all sizes in bytes, averages rounded half up.

    `data_count` of the period's `expected_days` were measured; it `is_complete` when that is all of them and they are
    over. A change is against the exact period before, from its days; null when that has none: a gap is no zero. Nor has
    a database one when some day of the two was measured by another method.
    `collected_at` is when the newest of all these days was measured. A row `is_stale` when a day was measured anew and
    the row has not been calculated since.
    """

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="+", verbose_name=_("instance"))
    period_type = models.CharField(_("period"), max_length=16, choices=PeriodType)
    period_start = models.DateField(_("from"))
    period_end = models.DateField(_("to"))
    max_size = models.BigIntegerField(_("largest size"))
    min_size = models.BigIntegerField(_("smallest size"))
    data_count = models.PositiveIntegerField(_("days measured"))
    expected_days = models.PositiveSmallIntegerField(_("days"))
    is_complete = models.BooleanField(_("complete"))
    is_stale = models.BooleanField(_("stale"), default=False)
    collected_at = models.DateTimeField(_("measured"))
    created_at = models.DateTimeField(_("created at"))
    calculated_at = models.DateTimeField(_("calculated"))

    # The fields of what both kinds of rows are ranked by: the average size, its change, the change in percent.
    MEASURES: ClassVar[Mapping[str, str]]

    class Meta:
        abstract = True

    @property
    def period(self) -> Period:
        """The one that it tells of."""
        return Period(type=PeriodType(self.period_type), start=self.period_start, end=self.period_end)

    def measure(self, name: str) -> int | Decimal | None:
        """One of its MEASURES: "size", "change" or "percent"."""
        figure: int | Decimal | None = getattr(self, self.MEASURES[name])
        return figure


class DatabaseSizeAggregation(Aggregation):
    """One period of one database."""

    database_name = models.CharField(_("database"), max_length=NAME_LENGTH)
    avg_size = models.BigIntegerField(_("average size"))
    avg_data_size = models.BigIntegerField(null=True)
    max_data_size = models.BigIntegerField(null=True)
    min_data_size = models.BigIntegerField(null=True)
    avg_log_size = models.BigIntegerField(null=True)
    max_log_size = models.BigIntegerField(null=True)
    min_log_size = models.BigIntegerField(null=True)
    size_change = models.BigIntegerField(_("change"), null=True)
    size_change_percent = models.DecimalField(
        _("change in percent"), max_digits=PERCENT_DIGITS, decimal_places=2, null=True
    )
    data_size_change = models.BigIntegerField(null=True)
    data_size_change_percent = models.DecimalField(max_digits=PERCENT_DIGITS, decimal_places=2, null=True)
    log_size_change = models.BigIntegerField(null=True)
    log_size_change_percent = models.DecimalField(max_digits=PERCENT_DIGITS, decimal_places=2, null=True)

    MEASURES = {"size": "avg_size", "change": "size_change", "percent": "size_change_percent"}

    class Meta:
        db_table = "database_size_aggregations"
        verbose_name = _("database trend")
        verbose_name_plural = _("database trends")
        constraints = [
            # What a period of an instance has is found by its first columns, one database by all.
            models.UniqueConstraint(
                fields=["instance", "period_type", "period_start", "database_name"],
                name="database_size_aggregations_period",
            )
        ]
        indexes = [
            models.Index(fields=["period_type", "period_start"], name="database_aggregations_start"),
            models.Index(fields=["instance"], condition=Q(is_stale=True), name="database_aggregations_stale"),
        ]

    def __str__(self) -> str:
        return f"{self.database_name} {self.period_type} {self.period_start}"

    @property
    def growth_rate(self) -> Decimal | None:
        """The change in percent, by its other name."""
        return self.size_change_percent

    @property
    def trend_direction(self) -> str:
        """What the row of an instance stores; empty where there is no percentage."""
        percent = self.size_change_percent
        if percent is None:
            return ""
        if abs(percent) <= TREND_PERCENT:
            return TrendDirection.STABLE
        return TrendDirection.GROWING if percent > 0 else TrendDirection.SHRINKING


class InstanceSizeAggregation(Aggregation):
    """One period of the daily totals of one instance.

    Days whose total is complete count, the others do not, for they would look like a loss. Only when a period has no
    complete day at all its lower bounds are shown, as `is_lower_bound`, and nothing is compared with them.
    """

    total_size = models.BigIntegerField(_("average size"))
    is_lower_bound = models.BooleanField(_("lower bound"), default=False)
    database_count = models.PositiveIntegerField(_("databases"))  # the mean, rounded
    avg_database_count = models.DecimalField(max_digits=12, decimal_places=2)
    max_database_count = models.PositiveIntegerField()
    min_database_count = models.PositiveIntegerField()
    total_size_change = models.BigIntegerField(_("change"), null=True)
    total_size_change_percent = models.DecimalField(
        _("change in percent"), max_digits=PERCENT_DIGITS, decimal_places=2, null=True
    )
    database_count_change = models.IntegerField(null=True)
    database_count_change_percent = models.DecimalField(max_digits=PERCENT_DIGITS, decimal_places=2, null=True)
    trend_direction = models.CharField(_("trend"), max_length=16, choices=TrendDirection, blank=True)  # "": unknown

    MEASURES = {"size": "total_size", "change": "total_size_change", "percent": "total_size_change_percent"}

    class Meta:
        db_table = "instance_size_aggregations"
        verbose_name = _("instance trend")
        verbose_name_plural = _("instance trends")
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "period_type", "period_start"], name="instance_size_aggregations_period"
            )
        ]
        indexes = [models.Index(fields=["period_type", "period_start"], name="instance_aggregations_start")]

    def __str__(self) -> str:
        return f"{self.instance_id} {self.period_type} {self.period_start}"

    @property
    def avg_size(self) -> int:
        """The mean of the daily totals, as for a database; not the size of an average database."""
        return self.total_size

    @property
    def growth_rate(self) -> Decimal | None:
        """The change in percent, by its other name."""
        return self.total_size_change_percent
