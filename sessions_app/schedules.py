"""The schedules that keep sessions alive, as rows of django-q2."""

from __future__ import annotations

from django_q.models import Schedule

SWEEP = "sweep"


def install_sweep() -> None:
    """Have the workers sweep each minute. Two that start at once may both add a row; the next start removes one."""
    wanted = {"func": "sessions_app.tasks.sweep", "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
    rows = Schedule.objects.filter(name=SWEEP)
    if not rows.update(**wanted):
        Schedule.objects.create(name=SWEEP, **wanted)
    rows.exclude(pk=rows.order_by("pk").values_list("pk", flat=True).first()).delete()
