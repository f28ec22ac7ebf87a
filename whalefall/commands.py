"""What every management command shares: an anticipated failure is one line on stderr and exit status 1.

A leaf, so that the commands of every app can use it.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any, NoReturn

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError

from whalefall import messages
from whalefall.errors import OwnDatabaseError, WhaleFallError


def whole_number(*, least: int, most: int) -> Callable[[str], int]:
    """An argparse type: a whole number within bounds, both included."""

    def parse(text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
            return int(text)
        raise ArgumentTypeError(f"must be a whole number from {least} to {most}")

    return parse


class DomainCommand(BaseCommand):
    """A command whose failures are WhaleFallErrors.

    Called from Python it raises them; on the command line it prints one line and ends with status 1.
    """

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
        except (WhaleFallError, DatabaseError) as raised:
            if "--traceback" in argv:
                raise
            error = raised if isinstance(raised, WhaleFallError) else OwnDatabaseError(detail=raised)
            self.fail(
                message_code=error.message_code,
                text=messages.render_error(error),
                hint=messages.hint(error.message_code, error.reason, error.params),
            )

    def fail(self, *, message_code: str, text: str, hint: str = "") -> NoReturn:
        """Print a failure as one line on stderr and exit with status 1."""
        self.complain(message_code=message_code, text=text, hint=hint)
        sys.exit(1)

    def complain(self, *, message_code: str, text: str, hint: str = "") -> None:
        """Print a failure as one line on stderr and go on."""
        line = f"{message_code}: {text} ({hint})" if hint else f"{message_code}: {text}"
        self.stderr.write(" ".join(line.split()))

    def print_json(self, document: Any, *, one_line: bool = False) -> None:
        """Print a JSON document on stdout; ASCII, so that no terminal's encoding can refuse it."""
        self.stdout.write(json.dumps(document, cls=DjangoJSONEncoder, indent=None if one_line else 2))
