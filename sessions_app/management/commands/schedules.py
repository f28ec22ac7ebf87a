"""`manage.py schedules …`: what starts by itself, on the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from sessions_app import report, schedules
from sessions_app.scheduler_api import ScheduleSerializer
from sessions_app.timetable import SyncSchedule
from whalefall.commands import DomainCommand

TIME = "%Y-%m-%d %H:%M"


class Command(DomainCommand):
    help = "List, install, pause, resume and run the schedules."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="when they come due, and what became of them")
        actions.add_parser("install", help="add those that are missing; workers do it when they start")
        for name, text in (
            ("pause", "start nothing by it any more"),
            ("resume", "go on at its next time"),
            ("run", "start now what it starts"),
        ):
            actions.add_parser(name, help=text).add_argument("schedule", help="account, …")
        for action in actions.choices.values():
            action.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["action"])(options)

    def list(self, options: dict[str, Any]) -> None:
        found = SyncSchedule.objects.select_related("last_session", "blocked_by").order_by("key")
        if options["json"]:
            self.print_json([ScheduleSerializer(schedule).data for schedule in found])
            return
        for schedule in found:
            self.stdout.write(_line(schedule))

    def install(self, options: dict[str, Any]) -> None:
        installed = schedules.install()
        if options["json"]:
            self.print_json({"installed": installed})
        elif installed:
            self.stdout.write(_("Installed: {schedules}").format(schedules=", ".join(installed)))
        else:
            self.stdout.write(_("Nothing was missing"))

    def pause(self, options: dict[str, Any]) -> None:
        self._show(schedules.pause(schedules.get(options["schedule"])), options)

    def resume(self, options: dict[str, Any]) -> None:
        self._show(schedules.resume(schedules.get(options["schedule"])), options)

    def run(self, options: dict[str, Any]) -> None:
        session = schedules.run(schedules.get(options["schedule"]))
        if session is not None:
            report.print_session(self, session, as_json=options["json"])
        elif options["json"]:
            self.print_json({"session_id": None})
        else:
            self.stdout.write(_("The workers do it now"))

    def _show(self, schedule: SyncSchedule, options: dict[str, Any]) -> None:
        if options["json"]:
            self.print_json(ScheduleSerializer(schedule).data)
        else:
            self.stdout.write(_line(schedule))


def _line(schedule: SyncSchedule) -> str:
    """One line about a schedule: when it comes due, what it last started, and what is wrong."""
    upcoming = schedule.upcoming
    parts = [
        f"{schedule.key}  {schedule.words}",
        _("next at {time}").format(time=f"{timezone.localtime(upcoming):{TIME}}") if upcoming else _("paused"),
    ]
    if session := schedule.last_session:
        parts.append(
            _("last: {session_id} {status}").format(
                session_id=session.session_id, status=session.outcome or session.status
            )
        )
    if schedule.blocked_by and schedule.last_due_at:
        parts.append(
            _("not started at {time}: session {session_id} was still running").format(
                time=f"{timezone.localtime(schedule.last_due_at):{TIME}}", session_id=schedule.blocked_by.session_id
            )
        )
    if missed := schedule.missed_at:
        parts.append(_("did not run at {time}").format(time=f"{timezone.localtime(missed):{TIME}}"))
    return "  ".join(parts)
