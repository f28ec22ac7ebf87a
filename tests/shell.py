"""Management commands as a shell sees them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import ManagementUtility


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


class Shell:
    """Runs `manage.py` with a command line, in this process and so in this test's transaction."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.never_shown: list[str] = []

    def __call__(self, *arguments: str) -> Ended:
        status = 0
        try:
            ManagementUtility(["manage.py", *arguments]).execute()
        except SystemExit as ended:
            status = int(ended.code or 0)
        printed = self.capsys.readouterr()
        for secret in self.never_shown:
            assert secret not in printed.out + printed.err
        return Ended(status=status, out=printed.out, err=printed.err)
