"""A capacity session over instances with 20 databases each, on a new day and again on the same day, and a chart."""

from __future__ import annotations

import statistics
from functools import partial

from benchmarks import chart, floor
from benchmarks.postgresql.fleet import with_databases
from benchmarks.postgresql.floor import read_sizes
from benchmarks.product import own_database, register, session, timed
from benchmarks.result import Bar, Limit, Result

INSTANCES, REAL, DATABASES, ROUNDS = 20, 4, 20, 7  # an odd number of rounds: the medians count
LIMIT = 2.0
PAGE_SECONDS = 0.3


def run() -> Result:
    """Measure both sessions and their floor, the bare statements and one COPY of their rows, in turn; then the page."""
    with own_database() as url, with_databases(instances=INSTANCES, real=REAL, databases=DATABASES) as logins:
        from django.conf import settings

        register("postgresql", logins)
        times: dict[str, list[float]] = {"first": [], "again": [], "reads": [], "copy": []}
        counts: dict[str, int] = {}
        for _ in range(ROUNDS):
            _forget()
            for name in ("first", "again"):
                seconds, counts[name] = timed(partial(session, "capacity"))
                times[name].append(seconds)
            seconds, rows = timed(partial(floor.read, logins, settings.SYNC_THREADS, read_sizes))
            times["reads"].append(seconds)
            seconds, _ = timed(partial(floor.store, url, rows))
            times["copy"].append(seconds)
        stored = _sizes_stored()
        _forget()
        drawn = chart.page(url, registered=INSTANCES)
    middle = {name: statistics.median(values) for name, values in times.items()}
    least = middle["reads"] + middle["copy"]
    return Result(
        name="capacity",
        bars=tuple(Bar(name=name, measured=middle[name], floor=least, limit=LIMIT) for name in ("first", "again")),
        limits=(Limit(name="page with a chart of 3 years", measured=drawn, unit="s", at_most=PAGE_SECONDS),),
        statements=counts["first"],
        detail={
            "instances": INSTANCES,
            "sizes": stored,
            "statements_per_instance": {name: round(count / INSTANCES, 1) for name, count in counts.items()},
            "rounds": {name: [round(value, 3) for value in values] for name, values in times.items()},
        },
    )


def _forget() -> None:
    """As if nothing had ever been measured."""
    from capacity.models import DatabaseSizeStat, InstanceDatabase, InstanceSizeStat, SizePart
    from sessions_app.models import InstanceCoverage

    for model in (DatabaseSizeStat, InstanceDatabase, InstanceSizeStat, SizePart, InstanceCoverage):
        model.objects.all().delete()


def _sizes_stored() -> int:
    """How many sizes of databases the last session left."""
    from capacity.models import DatabaseSizeStat

    return DatabaseSizeStat.objects.count()
