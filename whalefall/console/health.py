"""What a load balancer and a supervisor ask: does it answer, and is anybody working."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection
from django.db.models import F
from django.db.models.functions import Now
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sessions_app.models import RecordStatus, SyncInstanceRecord

logger = logging.getLogger(__name__)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 with `oldest_lapsed_lease_seconds` (null when none has lapsed); 503 when our database does not answer.

    A lapsed lease that grows old says that nobody sweeps: no worker runs.
    """
    try:
        oldest = (
            SyncInstanceRecord.objects.filter(status=RecordStatus.RUNNING, lease_expires_at__lt=Now())
            .annotate(now=Now())
            .order_by("lease_expires_at")
            .values_list(F("now"), "lease_expires_at")
            .first()
        )
    except DatabaseError:
        logger.exception("the health check cannot reach the database")
        connection.close()
        return JsonResponse({"status": "unavailable", "database": "unreachable"}, status=503)
    age = round((oldest[0] - oldest[1]).total_seconds(), 1) if oldest else None
    return JsonResponse({"status": "ok", "database": "ok", "oldest_lapsed_lease_seconds": age})
