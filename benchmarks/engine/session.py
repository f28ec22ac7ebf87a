"""Sessions over many instances with a category that does nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from dbms.base import Interrupt, Target
from instances import services as instances
from instances.models import Instance
from sessions_app import engine, services
from sessions_app.categories import ItemCounts, Run, SyncCategory
from sessions_app.models import SyncSession


@dataclass(frozen=True, slots=True)
class Nothing:
    """What is read of an instance."""

    is_known: bool = False
    size_bytes: int = 0


class NoOp(SyncCategory[Nothing]):
    """Stands where accounts stand, and neither connects nor stores."""

    key, label = "account", "accounts"

    def target(self, instance: Instance, interrupt: Interrupt, run: Run) -> Target:
        return Target(
            db_type=instance.db_type,
            host=instance.host,
            port=instance.port,
            username="",
            password="",
            interrupt=interrupt,
        )

    def fetch(self, target: Target) -> Nothing:
        return Nothing()

    def apply(self, instance: Instance, snapshot: Nothing, run: Run) -> ItemCounts:
        return ItemCounts(synced=1)


def register(number: int) -> None:
    """So many instances, each on a host of its own."""
    credential = instances.create_credential(name="monitor", username="monitor", password="monitor")
    Instance.objects.bulk_create(
        Instance(name=f"db{n}", db_type="postgresql", host=f"db{n}.example", port=5432, credential=credential)
        for n in range(number)
    )


def start() -> SyncSession:
    """A session over all of them."""
    return services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())


def work(session: SyncSession) -> int:
    """Bring it to its end in this process; the number of statements that it took."""
    sent = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal sent
        sent += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        engine.run(session=session)
    return sent


def forget() -> None:
    """No session at all, as before."""
    SyncSession.objects.all().delete()
