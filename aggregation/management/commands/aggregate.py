"""`manage.py aggregate`: roll sizes up by hand, also for days that are long over."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from datetime import date
from functools import partial
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from aggregation.backfill import measured, slices
from aggregation.options import Options
from aggregation.services import CATEGORY, start_aggregation
from instances.models import Instance
from instances.services import get_instance
from sessions_app import engine, report
from sessions_app.models import Outcome
from sessions_app.progress_bar import ProgressBar
from whalefall.commands import DomainCommand
from whalefall.errors import ValidationFailed


def iso_date(text: str) -> date:
    """An argparse type."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("must be a date like 2026-01-31") from None


class Command(DomainCommand):
    help = "Roll daily sizes up: the last complete periods, or all complete ones that a range of dates touches."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="start_date", type=iso_date, metavar="DATE")
        parser.add_argument(
            "--to", dest="end_date", type=iso_date, metavar="DATE", help="only with --from; default: yesterday"
        )
        parser.add_argument("--period", action="append", metavar="TYPE", help="repeatable; default: every one")
        parser.add_argument("--scope", default="all", help="all (default), database or instance")
        parser.add_argument("--instance", action="append", default=[], metavar="NAME", help="repeatable")
        parser.add_argument("--current", action="store_true", help="also the periods that are not over yet")
        parser.add_argument("--wait", action="store_true", help="leave the work to the workers and wait for them")
        parser.add_argument("--json", action="store_true", help="one line for each session")

    def handle(self, *args: Any, **options: Any) -> None:
        asked: dict[str, Any] = {"scope": options["scope"], "use_current_period": options["current"]}
        if options["period"] is not None:
            asked["periods"] = options["period"]
        today = timezone.localdate()
        if options["start_date"]:
            asked |= {
                "start_date": options["start_date"],
                "end_date": options["end_date"] or max(today, options["start_date"]),
            }
        elif options["end_date"]:
            raise ValidationFailed(detail=_("--to needs --from: a range begins on some day"))
        wanted = measured(Options.of(asked))
        named = [get_instance(name).pk for name in options["instance"]]
        outcomes: set[str] = set()
        parts = list(slices(wanted, today))
        with ProgressBar(CATEGORY, sessions=len(parts)) as bar:
            for part in parts:
                session = start_aggregation(
                    part,
                    instances=Instance.objects.filter(pk__in=named) if named else None,
                    max_attempts=None if options["wait"] else 1,
                )
                session = (
                    bar.follow(session) if options["wait"] else bar.work(session, partial(engine.run, session=session))
                )
                with bar.hidden():
                    if options["json"]:
                        self.print_json(report.session_document(session), one_line=True)
                    else:
                        self.stdout.write(f"{_span(part)}  {report.session_line(session)}")
                outcomes.add(session.outcome)
        # A part of a range may be empty, but not all that was asked for.
        if Outcome.CLEAN not in outcomes or outcomes - {Outcome.CLEAN, Outcome.EMPTY}:
            sys.exit(1)


def _span(options: Options) -> str:
    types = ",".join(options.types)
    return f"{types} {options.start_date}…{options.end_date}" if options.is_range else types
