"""An account session over 20 instances with 500 accounts each, and an unchanged second one."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks import fleet, floor
from benchmarks.floor import Login
from benchmarks.result import Bar, Result
from whalefall.demo import servers

if TYPE_CHECKING:
    from sessions_app.models import SyncSession

INSTANCES, REAL_SERVERS, ACCOUNTS, ROUNDS = 20, 4, 500, 3
FIRST_LIMIT, SECOND_LIMIT = 4.0, 2.0

T = TypeVar("T")


def run() -> Result:
    """Measure both sessions and their floors in turn, several times; the medians count."""
    with own_database() as url, fleet.filled(instances=INSTANCES, real=REAL_SERVERS, accounts=ACCOUNTS) as logins:
        from django.conf import settings

        register(logins)
        times: dict[str, list[float]] = {"first": [], "second": [], "reads": [], "copy": []}
        counts: dict[str, int] = {}
        for _ in range(ROUNDS):
            forget()
            for name in ("first", "second"):
                seconds, counts[name] = timed(session)
                times[name].append(seconds)
            seconds, rows = timed(partial(floor.read, logins, settings.SYNC_THREADS))
            times["reads"].append(seconds)
            seconds, _ = timed(partial(floor.store, url, rows))
            times["copy"].append(seconds)
        stored = accounts_stored()
    middle = {name: statistics.median(values) for name, values in times.items()}
    return Result(
        name="accounts",
        bars=(
            Bar(name="first", measured=middle["first"], floor=middle["reads"] + middle["copy"], limit=FIRST_LIMIT),
            Bar(name="second", measured=middle["second"], floor=middle["reads"], limit=SECOND_LIMIT),
        ),
        statements=counts["first"],
        detail={
            "instances": INSTANCES,
            "accounts": stored,
            "rows_read": len(rows),
            "statements_per_instance": {name: round(count / INSTANCES, 1) for name, count in counts.items()},
            "rounds": {name: [round(value, 3) for value in values] for name, values in times.items()},
        },
    )


@contextmanager
def own_database() -> Iterator[str]:
    """Set Django up on a private PostgreSQL server; its URL."""
    binaries = servers.installed_postgresql() or servers.embedded_postgresql()
    assert binaries, "install the package postgresql"
    with tempfile.TemporaryDirectory() as home, servers.postgresql(binaries) as server:
        url = f"postgres://{server.superuser}@{server.host}:{server.port}/postgres"
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "whalefall.settings",
            "WHALEFALL_ENV": "development",
            "WHALEFALL_HOME": home,
            "DATABASE_URL": url,
            "LOG_LEVEL": "WARNING",
        }
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
        try:
            yield url
        finally:
            connections.close_all()


def register(logins: Sequence[Login]) -> None:
    """Every login as an instance."""
    from instances import services

    credential = services.create_credential(name="monitor", username=logins[0].username, password=logins[0].password)
    for number, login in enumerate(logins):
        services.create_instance(
            name=f"server {number:02}",
            db_type="postgresql",
            host=login.host,
            port=login.port,
            credential=credential,
        )


def session() -> int:
    """Run an account session in this process; the number of statements on our own database."""
    from django.db import connection

    from instances.models import Instance
    from sessions_app import engine, services

    sent = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal sent
        sent += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        started = services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())
        engine.run(session=started)
    check(started)
    return sent


def check(started: SyncSession) -> None:
    """A fast failure must not look like a fast success."""
    started.refresh_from_db()
    if started.successful_instances != INSTANCES:
        errors = started.records.exclude(message_code="").values_list("instance_name", "message_code", "error_params")
        raise SystemExit(f"The session is {started.status}: {list(errors)}")


def forget() -> None:
    """As if nothing had ever been read."""
    from accounts_sync.models import AccountChangeLog, InstanceAccount
    from sessions_app.models import InstanceCoverage

    for model in (AccountChangeLog, InstanceAccount, InstanceCoverage):
        model.objects.all().delete()


def accounts_stored() -> int:
    """How many accounts the last session left."""
    from accounts_sync.models import InstanceAccount

    return InstanceAccount.objects.count()


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """How long it took, in seconds, and what it returned."""
    started = time.monotonic()
    done = work()
    return time.monotonic() - started, done
