"""The product under measurement: a database of its own, the instances it looks after, and sessions."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.floor import Login
from whalefall.demo import servers

if TYPE_CHECKING:
    from sessions_app.models import SyncSession

T = TypeVar("T")


@contextmanager
def own_database(**settings: Any) -> Iterator[str]:
    """Set Django up on a private PostgreSQL server, with other settings than the product's where given; its URL."""
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
        for name, value in {"SYNC_FOLLOW_UPS": {}, **settings}.items():  # what is measured starts nothing else
            setattr(django.conf.settings, name, value)
        call_command("migrate", verbosity=0, interactive=False)
        try:
            yield url
        finally:
            connections.close_all()


def register(db_type: str, logins: Sequence[Login]) -> None:
    """Every login as an instance."""
    from instances import services

    credential = services.create_credential(name="monitor", username=logins[0].username, password=logins[0].password)
    for number, login in enumerate(logins):
        services.create_instance(
            name=f"server {number:02}",
            db_type=db_type,
            host=login.host,
            port=login.port,
            credential=credential,
        )


def session(category: str = "account") -> int:
    """Run a session over all instances in this process; the number of statements on our own database."""
    from instances.models import Instance
    from sessions_app import engine, services

    def run() -> SyncSession:
        session = services.start_session(category=category, sync_type="manual_task", instances=Instance.objects.all())
        engine.run(session=session)
        return session

    sent, started = counted(run)
    check(started)
    return sent


def counted(work: Callable[[], T]) -> tuple[int, T]:
    """How many statements it took on our own database, and what it returned."""
    from django.db import connection

    sent = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal sent
        sent += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        done = work()
    return sent, done


def check(started: SyncSession) -> None:
    """A fast failure must not look like a fast success."""
    started.refresh_from_db()
    if started.successful_instances != started.total_instances:
        errors = started.records.exclude(message_code="").values_list("instance_name", "message_code", "error_params")
        raise SystemExit(f"The session is {started.status}: {list(errors)}")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """How long it took, in seconds, and what it returned."""
    started = time.monotonic()
    done = work()
    return time.monotonic() - started, done
