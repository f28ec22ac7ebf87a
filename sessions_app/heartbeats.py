"""Signs of life that outlive the process that gives them: one row each, written in one statement."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now

from sessions_app.models import Heartbeat

INSTALLED = "installed"  # since when there is anything to look after
SWEEP = "sweep"
CLAIM = "claim"


def beat(name: str) -> None:
    """It happened now."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=Now())], update_conflicts=True, unique_fields=["name"], update_fields=["at"]
    )


def installed(**_signal: Any) -> None:
    """A receiver of post_migrate; only the first one counts."""
    Heartbeat.objects.bulk_create([Heartbeat(name=INSTALLED, at=Now())], ignore_conflicts=True)
