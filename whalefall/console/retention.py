"""How API tokens go when they are of no use any more."""

from __future__ import annotations

import math
from datetime import datetime

from knox.models import AuthToken

from sessions_app.purging import purge_rows


def purge_tokens(before: datetime, *, dry_run: bool = False, until: float = math.inf) -> int:
    """Delete the API tokens that expired before a time. Returns how many."""
    return purge_rows(AuthToken.objects.filter(expiry__lt=before).order_by("expiry"), dry_run=dry_run, until=until)
