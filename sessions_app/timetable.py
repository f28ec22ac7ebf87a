"""What is due when: a row of django-q2 with what became of its due times."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_q.models import Schedule

from sessions_app import cron

START = "sessions_app.tasks.start_scheduled"
LOOKED_FOR_SECONDS = 60  # within this, django-q2 has surely seen what is due
PAUSED = 0  # repeats: django-q2 passes over such a row
UPKEEP_LABELS = {"sweep": _("Sweep"), "retention": _("Retention")}


class SyncSchedule(Schedule):
    """One of our schedules: of a category, whose key it has, or of the engine's own upkeep.

    django-q2 sees the row of its own table and starts it on any host; here stands what it cannot tell.
    """

    key = models.SlugField(_("schedule"), max_length=32, unique=True, editable=False)
    # Installed, edited or resumed: nobody waits for a due time before that.
    armed_at = models.DateTimeField(default=timezone.now, editable=False)
    last_due_at = models.DateTimeField(_("last due"), null=True, editable=False)
    answered_until = models.DateTimeField(null=True, editable=False)  # due times up to it had their session
    last_session = models.ForeignKey(
        "sessions_app.SyncSession", on_delete=models.SET_NULL, null=True, editable=False, related_name="+",
        verbose_name=_("last session"),
    )  # fmt: skip
    # The session that still ran when it last came due, so that none was started.
    blocked_by = models.ForeignKey(
        "sessions_app.SyncSession", on_delete=models.SET_NULL, null=True, editable=False, related_name="+",
        verbose_name=_("blocked by"),
    )  # fmt: skip

    class Meta:
        db_table = "sync_schedules"
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ("next_run", "key")

    def __str__(self) -> str:
        return self.label

    @property
    def is_sync(self) -> bool:
        """Whether it starts sessions of a category."""
        return bool(self.func == START)

    @property
    def is_paused(self) -> bool:
        """Whether nothing starts until somebody resumes it."""
        return bool(self.repeats == PAUSED)

    @property
    def is_editable(self) -> bool:
        """Whether it has times to edit. The sweep has none: without it nothing else could be relied upon."""
        return bool(self.schedule_type == Schedule.CRON)

    @property
    def label(self) -> str:
        """Its name, in the reader's language."""
        from sessions_app.models import SyncCategoryName  # which imports this

        if self.key in SyncCategoryName.values:
            return str(SyncCategoryName(self.key).label)
        return str(UPKEEP_LABELS.get(self.key, self.key))

    @property
    def words(self) -> str:
        """When it comes due, as far as that is simple to say."""
        return cron.words(self.cron) if self.cron else cron.every(self.minutes or 1)

    @property
    def upcoming(self) -> datetime | None:
        """When it comes due next; never while it is paused."""
        return None if self.is_paused else self.next_run

    @property
    def missed_at(self) -> datetime | None:
        """The last due time, when its grace is over and nothing has started since."""
        if self.is_paused:
            return None
        limit = timezone.now() - timedelta(seconds=settings.SYNC_SCHEDULE_GRACE_SECONDS)
        if not self.is_sync or not self.cron:
            return self.next_run if self.next_run and self.next_run <= limit else None
        due = cron.last_before(self.cron, limit)
        answered = self.answered_until is not None and due <= self.answered_until
        return None if due < self.armed_at or answered else due

    @property
    def overdue_at(self) -> datetime | None:
        """The last due time within its grace, when nothing became of it although whoever looks for it surely has."""
        if self.is_paused or not self.cron:
            return None
        now = timezone.now()
        due = cron.last_before(self.cron, now - timedelta(seconds=LOOKED_FOR_SECONDS))
        seen = max(filter(None, [self.armed_at, self.last_due_at, self.answered_until]))
        return due if due > max(seen, now - timedelta(seconds=settings.SYNC_SCHEDULE_GRACE_SECONDS)) else None
