"""The aggregation category: rolls daily sizes up by day, week, month and quarter."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from aggregation import plan, rollup
from aggregation.options import Options
from aggregation.periods import PeriodType
from instances.models import Instance
from sessions_app.categories import ItemCounts, LocalCategory, Run
from sessions_app.models import RecordStatus, SyncInstanceRecord


class AggregationSync(LocalCategory):
    key, label, chunk_size = "aggregation", "aggregation", 200

    def apply_many(self, instances: Sequence[Instance], run: Run) -> Mapping[int, ItemCounts]:
        """At most 6 statements when one period type is asked for, 2 more for each further one."""
        if not settings.AGGREGATION_ENABLED:
            return {instance.pk: ItemCounts(skipped="aggregation_disabled") for instance in instances}
        # All chunks of a session mean the same day, also when midnight passes between them.
        today = timezone.localdate(run.started_at)
        work = plan.make([instance.pk for instance in instances], Options.of(run.parameters), today)
        created: Counter[int] = Counter()
        updated: Counter[int] = Counter()
        for model, type, wanted in work.steps:
            written = rollup.roll_up(model, type, wanted, today=today)
            created += written.created
            updated += written.updated
        work.mark()
        found = work.count()
        nothing = "no_sizes" if work.steps or not work.not_kept else "sizes_not_kept"
        return {
            instance.pk: ItemCounts(
                synced=sum(found[instance.pk].values()),
                created=created[instance.pk],
                updated=updated[instance.pk],
                skipped="" if found[instance.pk] else nothing,
                details={
                    "periods": found[instance.pk],
                    "late_periods": work.late_counts[instance.pk],
                    "not_kept": work.not_kept,
                },
            )
            for instance in instances
        }

    def summary(self, session_pk: int) -> dict[str, Any]:
        """How many instances and rows each period type has seen, and which could not be rolled up at all."""
        instances: Counter[str] = Counter()
        not_kept: set[str] = set()
        rows: defaultdict[str, int] = defaultdict(int)
        done = SyncInstanceRecord.objects.filter(session=session_pk, status=RecordStatus.COMPLETED)
        for details in done.values_list("sync_details", flat=True).iterator():
            for type, number in details.get("periods", {}).items():
                instances[type] += 1
                rows[type] += number
            not_kept.update(details.get("not_kept", ()))
        return {
            "periods": {type: {"instances": instances[type], "rows": rows[type]} for type in instances},
            "not_kept": [type.value for type in PeriodType if type in not_kept],
        }

    def remarks(self, summary: Mapping[str, Any]) -> list[str]:
        """Which periods are missing because their days may be gone."""
        missing = [str(type.label) for type in PeriodType if type in summary.get("not_kept", ())]
        if not missing:
            return []
        text = _("Not rolled up, because sizes are not kept long enough (RETENTION_SIZES_DAYS): {periods}")
        return [text.format(periods=", ".join(missing))]
