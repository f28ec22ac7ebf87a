"""How many accounts rules and classes have, day by day; of one day, the last run's word."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

import dbms
from classification.models import (
    AccountClassification,
    AccountClassificationAssignment,
    ClassDailyStat,
    ClassificationRule,
    RuleDailyStat,
)
from whalefall import bulk


@transaction.atomic
def record_day() -> None:
    """Write today's numbers of every effective rule and of every class, zeros included; again replaces them."""
    now = timezone.now()
    today = timezone.localdate(now)
    effective = AccountClassificationAssignment.objects.effective().order_by()
    by_rule = effective.by_rule()
    bulk.insert(
        RuleDailyStat,
        [
            {
                "stat_date": today,
                "rule_id": rule,
                "classification_id": classification,
                "db_type": db_type,
                "matched_accounts_count": by_rule.get(group, 0),
                "computed_at": now,
            }
            for rule, group, classification, db_type in ClassificationRule.objects.effective().values_list(
                "pk", "rule_group_id", "classification", "db_type"
            )
        ],
        unique=["rule_id", "stat_date"],
        update=["matched_accounts_count", "computed_at"],
    )
    counted = effective.values_list("classification", "account__db_type").annotate(Count("account", distinct=True))
    by_class = {(classification, db_type): number for classification, db_type, number in counted}
    bulk.insert(
        ClassDailyStat,
        [
            {
                "stat_date": today,
                "classification_id": pk,
                "db_type": db_type,
                "matched_accounts_distinct_count": by_class.get((pk, db_type), 0),
                "computed_at": now,
            }
            for pk in AccountClassification.objects.values_list("pk", flat=True)
            for db_type in dbms.ADAPTERS
        ],
        unique=["classification_id", "db_type", "stat_date"],
        update=["matched_accounts_distinct_count", "computed_at"],
    )
