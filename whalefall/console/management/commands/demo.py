"""`manage.py demo`: WhaleFall with real servers, on one machine, in a minute."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from whalefall.commands import DomainCommand
from whalefall.demo import home

WIDTH = 120  # of the tables in a file or a pipe


class Command(DomainCommand):
    help = "Starts throw-away PostgreSQL and MariaDB servers, syncs them twice, shows what changed and serves the site."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="end after the summary")
        parser.add_argument("--json", action="store_true", help="print the summary as one JSON document")

    def handle(self, *, no_serve: bool, json: bool, **options: Any) -> None:
        directory = home.inside()
        if directory is None:
            home.enter(sys.argv[2:])
        from whalefall.demo import report, run  # their settings are those of the demo's environment

        progress = Console(stderr=True, highlight=False)
        demo = run.Demo(directory, lambda line: progress.print(f"[dim]·[/dim] {line}", soft_wrap=True))
        ended = False
        try:
            with home.kept_until_the_end(directory), demo.run(serve=not no_serve) as found:
                if json:
                    self.print_json(asdict(found))
                    self.stdout.flush()
                else:
                    report.show(found, Console(width=None if self.stdout.isatty() else WIDTH))
                ended = True
                if not no_serve:
                    demo.wait()
        except run.DemoFailed as error:
            raise CommandError(str(error)) from error
        except home.Ended:
            if not ended:
                raise CommandError("Ended before the summary; nothing is left behind.") from None
            progress.print("[dim]·[/dim] Everything is stopped and removed")
