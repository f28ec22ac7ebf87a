"""Categories whose fetch and apply do what a test says, at the seam that real categories use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbms.base import Interrupt, Target
from instances.models import Instance
from sessions_app.categories import ItemCounts, LocalCategory, Run, SyncCategory


@dataclass(frozen=True)
class FakeSnapshot:
    text: str = "read"
    size_bytes: int = 100_000
    is_known: bool = False


@dataclass
class Script:
    """What happens to an instance, by its name."""

    fetch: dict[str, Callable[[Target], Any]] = field(default_factory=dict)
    apply: dict[str, Callable[[Instance, Run], Any]] = field(default_factory=dict)
    poison: set[str] = field(default_factory=set)
    fetch_timeout: float = 30
    applied: list[str] = field(default_factory=list)
    chunks: list[list[str]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)


script = Script()


def reset() -> Script:
    """Forget what earlier tests said."""
    fresh = Script()
    for name in Script.__dataclass_fields__:
        setattr(script, name, getattr(fresh, name))
    return script


class FakeFetching(SyncCategory[FakeSnapshot]):
    key, label, can_force = "account", "accounts", True

    def target(self, instance: Instance, interrupt: Interrupt, run: Run) -> Target:
        return Target(
            db_type="postgresql", host=instance.name, port=1, username="monitor", password="secret",
            fetch_timeout=script.fetch_timeout, interrupt=interrupt,
        )  # fmt: skip

    def fetch(self, target: Target) -> FakeSnapshot:
        script.threads.add(threading.current_thread().name)
        return script.fetch.get(target.host, lambda target: FakeSnapshot())(target)

    def apply(self, instance: Instance, snapshot: FakeSnapshot, run: Run) -> ItemCounts:
        script.applied.append(instance.name)
        script.apply.get(instance.name, lambda instance, run: None)(instance, run)
        return ItemCounts(synced=3, created=1, updated=1, deleted=1, details={"read": snapshot.text})


class FakeLocal(LocalCategory):
    key, label, chunk_size = "aggregation", "aggregates", 4

    def apply_many(self, instances: Sequence[Instance], run: Run) -> Mapping[int, ItemCounts]:
        names = [instance.name for instance in instances]
        script.chunks.append(names)
        for name in names:
            Instance.objects.filter(name=name).update(description=f"touched by {','.join(names)}")
        if script.poison & set(names):
            raise ValueError("poison")
        return {instance.pk: ItemCounts(synced=len(instance.name)) for instance in instances}
