"""The classification category: brings accounts into the classes that the rules say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Exists, OuterRef

from accounts_sync.models import InstanceAccount
from classification.models import AccountClassificationAssignment, AssignmentType, ClassificationRule
from classification.run import classify
from classification.statistics import record_day
from instances.models import Instance
from sessions_app.categories import ItemCounts, LocalCategory, Run


class ClassificationSync(LocalCategory):
    key, label, chunk_size = "classification", "classification", 50

    def metrics(self, totals: ItemCounts, session_pk: int) -> dict[str, int]:
        instances = Instance.objects.filter(sync_records__session=session_pk)
        matches = AccountClassificationAssignment.objects.filter(
            assignment_type=AssignmentType.AUTO, account__instance__in=instances.values("pk")
        )
        rules = ClassificationRule.objects.effective()
        with_accounts = Exists(InstanceAccount.objects.active().filter(instance=OuterRef("pk")))
        unruled = instances.filter(with_accounts).exclude(db_type__in=rules.values("db_type"))
        return {
            **super().metrics(totals, session_pk),
            "accounts": totals.synced,
            "rules": rules.count(),
            "matches": matches.count(),
            "instances_without_rules": unruled.count(),
        }

    def conclude(self) -> None:
        record_day()

    def apply_many(self, instances: Sequence[Instance], run: Run) -> Mapping[int, ItemCounts]:
        return classify({instance.pk: instance.db_type for instance in instances}, run.began_at)
