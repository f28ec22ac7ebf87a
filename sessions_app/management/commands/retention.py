"""`manage.py retention`: delete what is older than the settings say."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sessions_app import retention
from sessions_app.retention import Purged
from whalefall.commands import DomainCommand


class Command(DomainCommand):
    help = "Delete what is older than RETENTION_DAYS says. The workers do this each day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="tell what would go, and delete nothing")
        parser.add_argument("--kind", action="append", default=[], choices=list(settings.RETENTION), help="repeatable")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        done = retention.run(options["kind"], dry_run=dry_run)
        if options["json"]:
            self.print_json({"dry_run": dry_run, "kinds": [asdict(one) for one in done]})
            return
        for one in done:
            self.stdout.write(f"{one.kind}: {_in_words(one, dry_run=dry_run)}")


def _in_words(one: Purged, *, dry_run: bool) -> str:
    if one.days == 0:
        return _("kept for ever")
    if dry_run:
        said = ngettext("{number} would be deleted", "{number} would be deleted", one.number)
    else:
        said = ngettext("{number} deleted", "{number} deleted", one.number)
    words = said.format(number=one.number) + " (" + _("older than {days} days").format(days=one.days) + ")"
    return words if one.is_complete else words + "; " + _("the time of this run is over, the next one goes on")
