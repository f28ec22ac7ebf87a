"""Classes and rules in numbers: now, and day by day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, ClassVar

from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from classification.models import (
    AccountClassification,
    AccountClassificationAssignment,
    ClassDailyStat,
    ClassificationRule,
    RuleDailyStat,
)
from whalefall.errors import ValidationFailed

DEFAULT_DAYS, MOST_DAYS = 30, 366
DAYS = OpenApiParameter("days", int, description=f"How many days to tell, today included: 1 to {MOST_DAYS}.")


class Day(serializers.Serializer[Any]):
    """A day with a run; a day without one is left out."""

    date = serializers.DateField()
    accounts = serializers.IntegerField()


class ClassNumbers(serializers.Serializer[Any]):
    """A class: its accounts now, each counted once, and day by day."""

    classification_id = serializers.IntegerField()
    code = serializers.CharField()
    display_name = serializers.CharField()
    risk_level = serializers.IntegerField()
    accounts = serializers.IntegerField()
    by_db_type = serializers.DictField(child=serializers.IntegerField())
    days = Day(many=True)


class ClassStatisticsDocument(serializers.Serializer[Any]):
    """`{classifications: […]}`"""

    classifications = ClassNumbers(many=True)


class RuleNumbers(serializers.Serializer[Any]):
    """A rule: its accounts now, and day by day through all of its versions."""

    rule_id = serializers.IntegerField()
    rule_name = serializers.CharField()
    rule_group_id = serializers.UUIDField()
    rule_version = serializers.IntegerField()
    db_type = serializers.CharField()
    classification_id = serializers.IntegerField()
    is_active = serializers.BooleanField()
    accounts = serializers.IntegerField()
    days = Day(many=True)


class RuleStatisticsDocument(serializers.Serializer[Any]):
    """`{rules: […]}`"""

    rules = RuleNumbers(many=True)


class ClassStatistics(APIView):
    permissions_required: ClassVar[dict[str, str]] = {"get": "classification.view_accountclassification"}

    @extend_schema(
        operation_id="account_statistics_classifications",
        summary="Classes in numbers",
        parameters=[DAYS],
        responses=ClassStatisticsDocument,
    )
    def get(self, request: Request) -> Response:
        counted = (
            AccountClassificationAssignment.objects.effective()
            .order_by()
            .values_list("classification", "account__db_type")
            .annotate(number=Count("account", distinct=True))
        )
        kinds: dict[int, dict[str, int]] = {}
        for pk, db_type, number in counted:
            kinds.setdefault(pk, {})[db_type] = number
        stats = ClassDailyStat.objects.filter(stat_date__gte=_since(request)).order_by("stat_date")
        days = _by_key(
            stats.values_list("classification", "stat_date").annotate(number=Sum("matched_accounts_distinct_count"))
        )
        return Response(
            {
                "classifications": [
                    {
                        "classification_id": one.pk,
                        "code": one.code,
                        "display_name": one.name,
                        "risk_level": one.risk_level,
                        "accounts": sum(kinds.get(one.pk, {}).values()),
                        "by_db_type": kinds.get(one.pk, {}),
                        "days": days.get(one.pk, []),
                    }
                    for one in AccountClassification.objects.order_by("-priority", "code")
                ]
            }
        )


class RuleStatistics(APIView):
    permissions_required: ClassVar[dict[str, str]] = {"get": "classification.view_classificationrule"}

    @extend_schema(
        operation_id="account_statistics_rules",
        summary="Rules in numbers",
        parameters=[DAYS],
        responses=RuleStatisticsDocument,
    )
    def get(self, request: Request) -> Response:
        numbers = AccountClassificationAssignment.objects.effective().by_rule()
        stats = RuleDailyStat.objects.filter(stat_date__gte=_since(request)).order_by("stat_date")
        # A day on which a rule got another version has a row of each; the newer one was written later.
        latest = {
            (group, day): number
            for group, day, number in stats.order_by("stat_date", "rule__rule_version").values_list(
                "rule__rule_group_id", "stat_date", "matched_accounts_count"
            )
        }
        days = _by_key((group, day, number) for (group, day), number in latest.items())
        return Response(
            {
                "rules": [
                    {
                        "rule_id": rule.pk,
                        "rule_name": rule.rule_name,
                        "rule_group_id": rule.rule_group_id,
                        "rule_version": rule.rule_version,
                        "db_type": rule.db_type,
                        "classification_id": rule.classification_id,
                        "is_active": rule.is_active,
                        "accounts": numbers.get(rule.rule_group_id, 0),
                        "days": days.get(rule.rule_group_id, []),
                    }
                    for rule in ClassificationRule.objects.current().order_by("db_type", "rule_name", "pk")
                ]
            }
        )


def _since(request: Request) -> date:
    raw = request.query_params.get("days", "").strip() or str(DEFAULT_DAYS)
    if not (raw.isascii() and raw.isdigit() and len(raw) < 5 and 1 <= int(raw) <= MOST_DAYS):
        wanted = _("{name} must be a whole number from 1 to {most}").format(name="days", most=MOST_DAYS)
        raise ValidationFailed(detail=wanted, extra={"fields": {"days": [wanted]}})
    return timezone.localdate() - timedelta(days=int(raw) - 1)


def _by_key(rows: Iterable[tuple[Any, date, int]]) -> dict[Any, list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    for key, day, number in rows:
        found.setdefault(key, []).append({"date": day, "accounts": number})
    return found
