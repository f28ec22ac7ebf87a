"""All databases in numbers."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, Sum

from capacity import freshness
from capacity.models import InstanceDatabase

LISTED = Q(is_active=True, is_system=False, filtered_by="")


def database_statistics() -> dict[str, Any]:
    """Counts and sizes by kind of server and altogether; sizes as last measured. Two statements."""
    due = freshness.last_due()
    present = InstanceDatabase.objects.filter(instance__deleted_at__isnull=True)
    kinds = list(
        present.values("instance__db_type")
        .annotate(
            instances=Count("instance", filter=LISTED, distinct=True),
            databases=Count("pk", filter=LISTED),
            unmeasured=Count("pk", filter=LISTED & freshness.unmeasured()),
            stale=Count("pk", filter=LISTED & freshness.stale(due)),
            hidden=Count("pk", filter=Q(is_active=True) & ~LISTED),
            deleted=Count("pk", filter=Q(is_active=False)),
            total=Sum("size_bytes", filter=LISTED, default=0),
        )
        .order_by("instance__db_type")
    )
    total = {name: sum(kind[name] for kind in kinds) for name in ("unmeasured", "stale", "hidden", "deleted")}
    return {
        "total_instances": sum(kind["instances"] for kind in kinds),
        "total_databases": sum(kind["databases"] for kind in kinds),
        "total_size_bytes": sum(kind["total"] for kind in kinds),
        **total,
        "due_at": due,
        "db_types": [{**kind, "db_type": kind["instance__db_type"], "size_bytes": kind["total"]} for kind in kinds],
    }
