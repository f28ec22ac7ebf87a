"""What rules leave behind that are deleted or switched off, where no run comes by."""

from __future__ import annotations

from django.db import transaction

from classification.models import (
    AccountClassificationAssignment,
    AssignmentType,
    ClassificationRule,
    ClassifiedState,
)


@transaction.atomic
def end_assignments() -> int:
    """Delete what only ended rules say, wherever it is; how many. Three statements at most.

    Of a rule that has another version, what the old one gave stays until a run has asked the new one.
    """
    effective = ClassificationRule.objects.effective()
    ended = ClassificationRule.objects.exclude(rule_group_id__in=effective.values("rule_group_id"))
    left = AccountClassificationAssignment.objects.filter(
        assignment_type=AssignmentType.AUTO, rule__in=ended.order_by().values("pk")
    )
    # Their accounts are asked again, should the rule be switched on before a run has seen that it was off.
    ClassifiedState.objects.filter(account__in=left.order_by().values("account")).delete()
    deleted, _by_model = left.delete()
    return deleted
