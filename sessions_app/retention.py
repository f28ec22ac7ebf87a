"""How long each kind of data is kept; the rest is deleted by a schedule, kind by kind."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What went of one kind, or would go."""

    kind: str
    days: int  # 0: kept for ever
    number: int
    is_complete: bool  # else the time was over; the next run goes on


def run(kinds: Sequence[str] = (), *, dry_run: bool = False) -> list[Purged]:
    """Delete what is older than RETENTION_DAYS says, in RETENTION_SECONDS at most, of all kinds or of these."""
    end = time.monotonic() + settings.RETENTION_SECONDS
    wanted = [kind for kind in settings.RETENTION if kind in (kinds or settings.RETENTION)]
    done: list[Purged] = []
    for kind in wanted:
        # Each gets its share of what is left, so that a long arrear of one does not keep the others for ever.
        left = end - time.monotonic()
        until = math.inf if dry_run else time.monotonic() + left / (len(wanted) - len(done))
        done.append(_purge(kind, until=until, dry_run=dry_run))
    return done


def _purge(kind: str, *, until: float, dry_run: bool) -> Purged:
    days = settings.RETENTION_DAYS[kind]
    if days == 0:
        return Purged(kind=kind, days=0, number=0, is_complete=True)
    purge = import_string(settings.RETENTION[kind])
    number = purge(timezone.now() - timedelta(days=days), dry_run=dry_run, until=until)
    return Purged(kind=kind, days=days, number=number, is_complete=time.monotonic() < until)
