"""The schedules that keep sessions alive, as rows of django-q2."""

from __future__ import annotations

from django_q.models import Schedule

SWEEP = "sweep"


def install_sweep() -> None:
    """Have the workers sweep each minute."""
    Schedule.objects.update_or_create(
        name=SWEEP,
        defaults={
            "func": "sessions_app.tasks.sweep",
            "schedule_type": Schedule.MINUTES,
            "minutes": 1,
            "repeats": -1,
        },
    )
