"""Django's `makemessages`, which also collects the texts that `N_()` only marks."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=N_"]

    def handle(self, *args: Any, **options: Any) -> None:
        options["add_location"] = options["add_location"] or "file"  # line numbers would change with every commit
        super().handle(*args, **options)
