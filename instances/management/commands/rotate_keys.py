"""manage.py rotate_keys"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import ngettext

from instances import services
from whalefall import messages
from whalefall.commands import DomainCommand
from whalefall.errors import CredentialUnreadable


class Command(DomainCommand):
    help = (
        "Encrypt every credential again under the newest key. Put the new key first in WHALEFALL_ENCRYPTION_KEYS, "
        "run this, then remove the old keys."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, **options: Any) -> None:
        report = services.rotate_keys()
        if options["json"]:
            self.print_json(asdict(report))
        else:
            self.stdout.write(
                ngettext("%(count)d credential encrypted", "%(count)d credentials encrypted", report.rotated)
                % {"count": report.rotated}
            )
        for name in report.unreadable:
            error = CredentialUnreadable(credential=name)
            self.complain(
                message_code=error.message_code,
                text=messages.render_error(error),
                hint=messages.hint(error.message_code, error.reason, error.params),
            )
        if report.unreadable:
            raise SystemExit(1)
