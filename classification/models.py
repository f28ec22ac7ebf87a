"""Classes of accounts, the rules that fill them, and who is in which."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

import dbms
from accounts_sync.models import InstanceAccount
from whalefall.errors import N_

SYSTEM_NAMES = {  # a seeded class is shown in the reader's language until somebody names it
    "super": N_("Super accounts"),
    "highly": N_("Highly privileged accounts"),
    "sensitive": N_("Sensitive accounts"),
    "medium": N_("Medium risk accounts"),
    "low": N_("Low risk accounts"),
    "public": N_("Public accounts"),
}


class RiskLevel(models.IntegerChoices):
    HIGHEST = 1, _("1, highest")
    HIGH = 2, _("2, high")
    ELEVATED = 3, _("3, elevated")
    MEDIUM = 4, _("4, medium")
    LOW = 5, _("5, low")
    LOWEST = 6, _("6, lowest")


class AssignmentType(models.TextChoices):
    AUTO = "auto", _("By rule")
    MANUAL = "manual", _("By hand")


class AccountClassification(models.Model):
    """A class that accounts may be in. Of several, the one with the highest priority is an account's primary class."""

    code = models.CharField(_("code"), max_length=100, unique=True)
    display_name = models.CharField(_("name"), max_length=100, blank=True)
    description = models.TextField(_("description"), blank=True)
    risk_level = models.PositiveSmallIntegerField(_("risk level"), choices=RiskLevel, default=RiskLevel.MEDIUM)
    icon_name = models.CharField(_("icon"), max_length=50, default="sell", blank=True)
    priority = models.PositiveSmallIntegerField(
        _("priority"), default=0, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    is_system = models.BooleanField(_("system"), default=False, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        db_table = "account_classifications"
        verbose_name = _("account class")
        verbose_name_plural = _("account classes")
        constraints = [
            models.CheckConstraint(condition=Q(risk_level__range=(1, 6)), name="account_classifications_risk")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What people call it."""
        if self.display_name:
            return self.display_name
        return gettext(SYSTEM_NAMES[self.code]) if self.code in SYSTEM_NAMES else self.code


class ClassificationRuleQuerySet(models.QuerySet["ClassificationRule"]):
    def current(self) -> ClassificationRuleQuerySet:
        """The newest version of each rule that was not deleted, switched on or not."""
        return self.filter(superseded_at__isnull=True)

    def effective(self) -> ClassificationRuleQuerySet:
        """What a run evaluates."""
        return self.current().filter(is_active=True)


class ClassificationRule(models.Model):
    """One version of a rule. Its expression never changes: another one is another version of the same group."""

    classification = models.ForeignKey(
        AccountClassification, on_delete=models.CASCADE, related_name="rules", verbose_name=_("account class")
    )
    db_type = models.CharField(_("database kind"), max_length=32, choices=dbms.choices)
    rule_name = models.CharField(_("rule"), max_length=100)
    rule_expression = models.JSONField(_("expression"))
    expression_digest = models.CharField(max_length=64, editable=False)
    rule_group_id = models.UUIDField(_("group"), default=uuid.uuid4, editable=False)
    rule_version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    superseded_at = models.DateTimeField(_("superseded"), null=True, blank=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = ClassificationRuleQuerySet.as_manager()

    class Meta:
        db_table = "classification_rules"
        verbose_name = _("classification rule")
        verbose_name_plural = _("classification rules")
        constraints = [
            models.UniqueConstraint(fields=["rule_group_id", "rule_version"], name="classification_rules_version"),
            models.UniqueConstraint(
                fields=["rule_group_id"],
                condition=Q(superseded_at__isnull=True),
                name="classification_rules_current",
            ),
            models.UniqueConstraint(
                fields=["classification", "db_type", "rule_name"],
                condition=Q(superseded_at__isnull=True),
                name="classification_rules_name",
            ),
            models.UniqueConstraint(
                fields=["classification", "db_type", "expression_digest"],
                condition=Q(superseded_at__isnull=True),
                name="classification_rules_expression",
            ),
        ]

    def __str__(self) -> str:
        return self.rule_name


class AssignmentQuerySet(models.QuerySet["AccountClassificationAssignment"]):
    def effective(self) -> AssignmentQuerySet:
        """Why accounts that exist, on instances that are looked after, are in their classes."""
        return self.filter(is_active=True, account__is_active=True, account__instance__deleted_at__isnull=True)

    def by_rule(self) -> dict[uuid.UUID, int]:
        """How many accounts each rule has, by its group: one query. What an older version gave and the newer one could
        not answer yet is the rule's all the same; an account has one or the other."""
        of_rules = self.filter(rule__isnull=False).order_by().values_list("rule__rule_group_id")
        return dict(of_rules.annotate(models.Count("pk")))


class AccountClassificationAssignment(models.Model):
    """One reason why an account is in a class: a rule that matched it, or a person's word.

    A row for every rule that matched, so a class may be there several times; `primary_class()` names the one that
    counts. What a person withdrew stays, inactive.
    """

    account = models.ForeignKey(
        InstanceAccount,
        on_delete=models.CASCADE,
        related_name="classification_assignments",
        verbose_name=_("account"),
        db_index=False,  # the first column of a unique constraint
    )
    # No constraint of its own, which would be checked for every row: of what a rule gave, the rule's keeps the class,
    # and services.assign() locks the class that a person names.
    classification = models.ForeignKey(
        AccountClassification,
        on_delete=models.CASCADE,
        related_name="assignments",
        verbose_name=_("account class"),
        db_constraint=False,
    )
    rule = models.ForeignKey(
        ClassificationRule,
        on_delete=models.CASCADE,
        related_name="assignments",
        verbose_name=_("rule"),
        null=True,
        blank=True,
    )
    assignment_type = models.CharField(
        _("assigned"), max_length=16, choices=AssignmentType, db_default=AssignmentType.AUTO
    )
    is_active = models.BooleanField(_("active"), db_default=True)
    assigned_at = models.DateTimeField(_("since"), db_default=Now())
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
        db_index=False,
    )
    notes = models.TextField(_("notes"), blank=True, db_default="")

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        db_table = "account_classification_assignments"
        verbose_name = _("class of an account")
        verbose_name_plural = _("classes of accounts")
        constraints = [
            models.CheckConstraint(
                condition=Q(assignment_type=AssignmentType.AUTO, rule__isnull=False, is_active=True)
                | Q(assignment_type=AssignmentType.MANUAL, rule__isnull=True),
                name="classification_assignments_reason",
            ),
            models.UniqueConstraint(fields=["account", "rule"], name="classification_assignments_rule"),
            models.UniqueConstraint(
                fields=["account", "classification"],
                condition=Q(assignment_type=AssignmentType.MANUAL, is_active=True),
                name="classification_assignments_manual",
            ),
        ]
        indexes = [
            models.Index(
                fields=["assigned_by"],
                condition=Q(assigned_by__isnull=False),
                name="classification_assignments_by",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.classification_id}"


def primary_class() -> Subquery:
    """The id of an account's class that counts, for a queryset of accounts to annotate: the highest priority."""
    held = AccountClassificationAssignment.objects.filter(account=OuterRef("pk"), is_active=True)
    ranked = held.order_by(F("classification__priority").desc(), "classification__risk_level", "classification__code")
    return Subquery(ranked.values("classification_id")[:1])


class ClassifiedState(models.Model):
    """What an account was like when the rules were last evaluated for it; one that still is so is not evaluated."""

    account = models.OneToOneField(
        InstanceAccount, on_delete=models.CASCADE, related_name="classified", primary_key=True
    )
    rules_digest = models.CharField(max_length=64)  # of the rules of its database kind
    fingerprint = models.CharField(max_length=64)
    reach_digest = models.CharField(max_length=64, blank=True)
    owned_digest = models.CharField(max_length=64, blank=True)
    facts_version = models.PositiveSmallIntegerField()
    account_updated_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)  # when the clock alone may change an outcome
    evaluated_at = models.DateTimeField()

    class Meta:
        db_table = "account_classification_states"

    def __str__(self) -> str:
        return f"account {self.account_id}"


class RuleDailyStat(models.Model):
    """How many accounts a rule matched on a day, after that day's last run. Zero is a number; no row is no run."""

    stat_date = models.DateField(_("day"))  # in TIME_ZONE
    rule = models.ForeignKey(ClassificationRule, on_delete=models.CASCADE, related_name="stats")
    classification = models.ForeignKey(AccountClassification, on_delete=models.CASCADE, related_name="+")
    db_type = models.CharField(_("database kind"), max_length=32, choices=dbms.choices)
    matched_accounts_count = models.PositiveIntegerField(_("accounts"))
    computed_at = models.DateTimeField(_("computed"), db_default=Now())

    class Meta:
        db_table = "account_classification_daily_rule_match_stats"
        verbose_name = _("rule's day")
        verbose_name_plural = _("rules' days")
        constraints = [models.UniqueConstraint(fields=["rule", "stat_date"], name="classification_rule_stats_day")]
        indexes = [models.Index(fields=["stat_date"], name="rule_stats_date")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.stat_date}"


class ClassDailyStat(models.Model):
    """How many accounts of a database kind were in a class on a day, each counted once, by rule or by hand."""

    stat_date = models.DateField(_("day"))
    classification = models.ForeignKey(AccountClassification, on_delete=models.CASCADE, related_name="stats")
    db_type = models.CharField(_("database kind"), max_length=32, choices=dbms.choices)
    matched_accounts_distinct_count = models.PositiveIntegerField(_("accounts"))
    computed_at = models.DateTimeField(_("computed"), db_default=Now())

    class Meta:
        db_table = "account_classification_daily_classification_match_stats"
        verbose_name = _("class's day")
        verbose_name_plural = _("classes' days")
        constraints = [
            models.UniqueConstraint(
                fields=["classification", "db_type", "stat_date"], name="classification_class_stats_day"
            )
        ]
        indexes = [models.Index(fields=["stat_date"], name="class_stats_date")]

    def __str__(self) -> str:
        return f"{self.classification_id} {self.stat_date}"
