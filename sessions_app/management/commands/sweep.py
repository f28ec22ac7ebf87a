"""`manage.py sweep`: repair by hand what a death left behind."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from sessions_app import services
from whalefall.commands import DomainCommand


class Command(DomainCommand):
    help = "Give lapsed records back, finalize sessions and wake the workers. The workers do this each minute."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        report = services.sweep()
        if options["json"]:
            self.print_json(asdict(report))
            return
        self.stdout.write(
            _("{returned} given back, {lost} lost for good, {dropped} dropped, {finalized} sessions finalized").format(
                **asdict(report)
            )
        )
