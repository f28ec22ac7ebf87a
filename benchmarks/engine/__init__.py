"""A session over instances of which nothing is read and nothing is stored: what the engine itself costs."""

from __future__ import annotations

import statistics
from functools import partial

from benchmarks.product import check, own_database, timed
from benchmarks.result import Bar, Result

ROUNDS = 3  # an odd number: the medians count
LIMIT = 3.0


def run(*, instances: int) -> Result:
    """Measure a session and the statements that it needs at least in turn, several times; the medians count."""
    with own_database(SYNC_CATEGORIES=["benchmarks.engine.session.NoOp"]) as url:
        from benchmarks.engine import floor, session

        session.register(instances)
        times: dict[str, list[float]] = {"session": [], "floor": []}
        for _ in range(ROUNDS):
            started = session.start()
            seconds, sent = timed(partial(session.work, started))
            times["session"].append(seconds)
            check(started)
            again = session.start()
            seconds, _ = timed(partial(floor.work, url, again.pk))
            times["floor"].append(seconds)
            session.forget()
    middle = {name: statistics.median(values) for name, values in times.items()}
    return Result(
        name="engine",
        bars=(Bar(name="no-op session", measured=middle["session"], floor=middle["floor"], limit=LIMIT),),
        statements=sent,
        detail={
            "instances": instances,
            "milliseconds_per_instance": round(1000 * middle["session"] / instances, 2),
            "statements_per_instance": round(sent / instances, 2),
            "rounds": {name: [round(value, 2) for value in values] for name, values in times.items()},
        },
    )
