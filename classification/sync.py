"""The classification category: brings accounts into the classes that the rules say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Exists, OuterRef
from django.utils.translation import ngettext

import dbms
from accounts_sync.models import InstanceAccount
from classification.ending import end_assignments
from classification.models import AccountClassificationAssignment, AssignmentType, ClassificationRule
from classification.run import classify
from classification.statistics import record_day
from instances.models import Instance, InstanceQuerySet
from sessions_app.categories import ItemCounts, LocalCategory, Run


class ClassificationSync(LocalCategory):
    key, label, chunk_size = "classification", "classification", 50

    def metrics(self, totals: ItemCounts, session_pk: int) -> dict[str, int]:
        instances = _instances(session_pk)
        matches = AccountClassificationAssignment.objects.filter(
            assignment_type=AssignmentType.AUTO, account__instance__in=instances.values("pk")
        )
        rules = ClassificationRule.objects.effective()
        return {
            **super().metrics(totals, session_pk),
            "accounts": totals.synced,
            "rules": rules.count(),
            "matches": matches.count(),
            "instances_without_rules": _without_rules(instances).count(),
        }

    def summary(self, session_pk: int) -> dict[str, Any]:
        """How many instances of each database kind have accounts and no rule."""
        unruled = _without_rules(_instances(session_pk)).order_by()
        return {"kinds_without_rules": dict(unruled.values_list("db_type").annotate(Count("pk")))}

    def remarks(self, summary: Mapping[str, Any]) -> list[str]:
        kinds = summary.get("kinds_without_rules", {}).items()
        return [
            ngettext(
                "No rule is for {kind}: rules put no account of {count} instance into a class.",
                "No rule is for {kind}: rules put no account of {count} instances into a class.",
                count,
            ).format(kind=label, count=count)
            for label, count in sorted((dbms.get(kind).label, count) for kind, count in kinds)
        ]

    def conclude(self) -> None:
        end_assignments()
        record_day()

    def apply_many(self, instances: Sequence[Instance], run: Run) -> Mapping[int, ItemCounts]:
        return classify({instance.pk: instance.db_type for instance in instances}, run.began_at)


def _instances(session_pk: int) -> InstanceQuerySet:
    return Instance.objects.filter(sync_records__session=session_pk)


def _without_rules(instances: InstanceQuerySet) -> InstanceQuerySet:
    """Those that have accounts of a database kind for which there is no rule."""
    with_accounts = Exists(InstanceAccount.objects.active().filter(instance=OuterRef("pk")))
    return instances.filter(with_accounts).exclude(db_type__in=ClassificationRule.objects.effective().values("db_type"))
