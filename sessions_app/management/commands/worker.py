"""`manage.py worker`: works on sync sessions until it is told to stop."""

from __future__ import annotations

import sys
from typing import Any

from sessions_app import schedules
from sessions_app.supervisor import Supervisor
from whalefall.commands import DomainCommand


class Command(DomainCommand):
    help = "Run a qcluster in a process group of its own, watch it, and start it again when it no longer works."

    def handle(self, *args: Any, **options: Any) -> None:
        schedules.install()
        Supervisor([sys.executable, sys.argv[0], "qcluster"]).run()
