"""How changes of accounts go when they are old."""

from __future__ import annotations

import math
from datetime import datetime

from accounts_sync.models import AccountChangeLog
from sessions_app.purging import purge_rows


def purge_changes(before: datetime, *, dry_run: bool = False, until: float = math.inf) -> int:
    """Delete the changes that were seen before a time; accounts and what they may do stay. Returns how many."""
    old = AccountChangeLog.objects.filter(change_time__lt=before).order_by("change_time")
    return purge_rows(old, dry_run=dry_run, until=until)
