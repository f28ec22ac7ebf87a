"""What a load balancer and a supervisor ask: does it answer, and is anybody working."""

from __future__ import annotations

import logging
from dataclasses import asdict

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sessions_app import health
from sessions_app.health import Health

logger = logging.getLogger(__name__)

DATABASE_UNREACHABLE = "database_unreachable"


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200, or 503 with the reasons: stable words and numbers, nothing that a stranger may not know."""
    try:
        found = _read()
    except Error:
        logger.exception("the health check cannot reach the database")
        connection.close()
        reasons = [{"reason": DATABASE_UNREACHABLE}]
        return JsonResponse({"status": "unavailable", "database": "unreachable", "reasons": reasons}, status=503)
    return JsonResponse(
        {
            "status": "unavailable" if found.is_failing else "ok",
            "database": "ok",
            "reasons": [asdict(reason) for reason in found.reasons],
            "sweep_age_seconds": found.sweep,
            "queue_age_seconds": found.queue,
            "unclaimed_seconds": found.unclaimed,
            "oldest_lapsed_lease_seconds": found.lapsed_lease,
        },
        status=503 if found.is_failing else 200,
    )


def _read() -> Health:
    """Once more over a new connection: the database may have been restarted since the last request used this one."""
    try:
        return health.read()
    except Error:
        connection.close()
        return health.read()
