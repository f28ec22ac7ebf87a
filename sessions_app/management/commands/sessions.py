"""`manage.py sessions …`: the session center on the command line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from sessions_app import report, services
from sessions_app.models import RecordStatus, SessionStatus, SyncCategoryName, SyncSession
from sessions_app.progress import add_live_counts
from whalefall.commands import DomainCommand, whole_number
from whalefall.errors import NotFound

SHOWN = 20


class Command(DomainCommand):
    help = "List, show, cancel, retry and purge sync sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="the newest sessions")
        listing.add_argument("--status", choices=SessionStatus.values)
        listing.add_argument("--category", choices=SyncCategoryName.values)
        listing.add_argument("--limit", type=whole_number(least=1, most=1000), default=SHOWN)
        for name, text in (
            ("show", "one session with its records"),
            ("cancel", "cancel a running session"),
        ):
            actions.add_parser(name, help=text).add_argument("session_id")
        records = actions.add_parser("records", help="the records of a session")
        records.add_argument("session_id")
        records.add_argument("--status", choices=RecordStatus.values)
        retry = actions.add_parser("retry", help="a new session over the failed instances")
        retry.add_argument("session_id")
        retry.add_argument("--status", action="append", choices=["failed", "cancelled", "skipped"])
        retry.add_argument("--reason", action="append", help="reason, message code or CODE/reason; repeatable")
        purge = actions.add_parser("purge", help="delete finished sessions; change logs stay, with what they refer to")
        days = whole_number(least=1, most=36_500)
        purge.add_argument("--older-than", type=days, required=True, metavar="DAYS")
        purge.add_argument("--dry-run", action="store_true")
        for action in actions.choices.values():
            action.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["action"])(options)

    def list(self, options: dict[str, Any]) -> None:
        found = SyncSession.objects.select_related("created_by", "retry_of").order_by("-started_at", "-pk")
        if options["status"]:
            found = found.filter(status=options["status"])
        if options["category"]:
            found = found.filter(sync_category=options["category"])
        shown = [*found[: options["limit"]]]
        add_live_counts(shown)
        if options["json"]:
            self.print_json([report.session_document(session) for session in shown])
            return
        for session in shown:
            self.stdout.write(report.session_line(session))

    def show(self, options: dict[str, Any]) -> None:
        session = _session(options["session_id"])
        report.print_outcome(self, session, as_json=options["json"])
        if not options["json"]:
            for line in report.lineage_lines(session):
                self.stdout.write(line)

    def records(self, options: dict[str, Any]) -> None:
        found = [
            record
            for record in report.records_of(_session(options["session_id"]))
            if options["status"] in (None, record.status)
        ]
        if options["json"]:
            self.print_json([report.record_document(record) for record in found])
            return
        for record in found:
            self.stdout.write(report.record_line(record))

    def cancel(self, options: dict[str, Any]) -> None:
        session = services.cancel_session(_session(options["session_id"]))
        report.print_session(self, session, as_json=options["json"])

    def retry(self, options: dict[str, Any]) -> None:
        session = services.retry_session(
            _session(options["session_id"]),
            statuses=options["status"] or [RecordStatus.FAILED],
            reasons=options["reason"],
        )
        report.print_session(self, session, as_json=options["json"])

    def purge(self, options: dict[str, Any]) -> None:
        before = timezone.now() - timedelta(days=options["older_than"])
        number = services.purge_sessions(before, dry_run=options["dry_run"])
        if options["json"]:
            self.print_json({"purged": number, "dry_run": options["dry_run"]})
        elif options["dry_run"]:
            self.stdout.write(_("{number} sessions would be deleted").format(number=number))
        else:
            self.stdout.write(_("{number} sessions deleted").format(number=number))


def _session(text: str) -> SyncSession:
    """The session of an id. Raises NotFound."""
    try:
        return SyncSession.objects.select_related("created_by", "retry_of").get(session_id=UUID(text))
    except (ValueError, SyncSession.DoesNotExist):
        raise NotFound(what="session", name=text) from None
