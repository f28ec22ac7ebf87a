"""The demo's story: two servers, a worker, a session, some changes, a second session that shows exactly these."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from instances.models import Credential, Instance
from sessions_app import services
from sessions_app.models import SyncSession, SyncType
from whalefall.demo import fleet, processes, report, servers
from whalefall.errors import RemoteTimeout

SESSION_SECONDS = 90
SITE_SECONDS = 30
SILENT_HOST = "silent-host"
USUAL_PORT = 8000

Tell = Callable[[str], None]


class DemoFailed(Exception):
    """A step did not do what it should."""


@contextmanager
def story(directory: Path, *, serve: bool, tell: Tell) -> Iterator[report.Report]:
    """Everything up to the summary. Worker, servers and site run until the block is left. Raises DemoFailed."""
    started = time.monotonic()
    tell("Preparing a private database")
    call_command("migrate", verbosity=0, interactive=False)
    with ExitStack() as stack:
        tell("Starting two PostgreSQL servers and giving them roles and grants")
        fleet_servers = {host: stack.enter_context(_server(host)) for host in fleet.HOSTS}
        stack.enter_context(_silent_host())
        tell("Starting a worker")
        worker = stack.enter_context(processes.running(_manage("worker"), log=directory / "worker.log"))
        tell("First session: everything is new")
        first = _session(worker, directory / "worker.log")
        tell("Changing a few grants on the servers")
        for host, server in fleet_servers.items():
            fleet.change(server, host)
        tell("Second session: shows exactly these changes")
        second = _session(worker, directory / "worker.log")
        changes = report.change_lines(second)
        _compare(changes)
        site = stack.enter_context(_site(directory / "site.log")) if serve else None
        yield report.Report(
            sessions=(report.session_line(first), report.session_line(second)),
            instances=report.instance_lines(second),
            changes=changes,
            site=site,
            duration_seconds=round(time.monotonic() - started, 1),
        )


def wait_until_ended(directory: Path) -> None:
    """Serve until a signal ends it. Raises DemoFailed when the worker or the site ends by itself."""
    raise NotImplementedError(directory)
