"""A category that reads nothing for a while and writes one row for each record, which nothing keeps unique."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from dataclasses import dataclass

from django.db import connection

from dbms.base import Interrupt, Target
from instances.models import Instance
from sessions_app.categories import ItemCounts, Run, SyncCategory

LEDGER = "CREATE TABLE chaos_applied (record bigint)"
POISON, HANG = "poison", "hang"  # at the beginning of an instance's name


@dataclass(frozen=True)
class Nothing:
    is_known: bool = False
    size_bytes: int = 100


class Slow(SyncCategory[Nothing]):
    key, label = "account", "accounts"

    def target(self, instance: Instance, interrupt: Interrupt, run: Run) -> Target:
        return Target(
            db_type="postgresql", host=instance.name, port=1, username="", password="", interrupt=interrupt,
            fetch_timeout=float(os.environ.get("CHAOS_FETCH_TIMEOUT", "30")),
        )  # fmt: skip

    def fetch(self, target: Target) -> Nothing:
        if target.host.startswith(POISON):
            os.kill(os.getpid(), signal.SIGKILL)
        if target.host.startswith(HANG):
            threading.Event().wait()  # as a driver does that nothing can interrupt
        shortest, longest = map(float, os.environ["CHAOS_FETCH_SECONDS"].split("-"))
        time.sleep(random.uniform(shortest, longest))
        return Nothing(size_bytes=random.choice([100, 100_000]))  # written with others, and alone

    def apply(self, instance: Instance, snapshot: Nothing, run: Run) -> ItemCounts:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO chaos_applied (record) VALUES (%s)", [run.record_pk])
        # Long enough to be hit by a kill between the row and its commit.
        time.sleep(float(os.environ.get("CHAOS_APPLY_SECONDS", "0.005")))
        return ItemCounts(synced=1)
