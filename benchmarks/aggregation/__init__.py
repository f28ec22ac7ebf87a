"""Rolling daily sizes up: a small fleet against the bare SQL, and a large one against the clock and the memory."""

from __future__ import annotations

import statistics

from benchmarks.product import own_database, timed
from benchmarks.result import Bar, Limit, Result
from benchmarks.worker import worker

ROUNDS = 3  # an odd number: the medians count
TIMES_FLOOR = 3.0
STATEMENTS = 6  # of one period type and chunk
SMALL = {"instances": 20, "databases": 20, "days": 121}
LARGE = {"instances": 2_000, "databases": 20, "days": 400}
LARGE_SECONDS, LARGE_MB = 60.0, 300.0


def run(*, large: bool) -> Result:
    """Roll up the last complete day, week, month and quarter of every database and instance."""
    return _large() if large else _small()


def _small() -> Result:
    with own_database() as url:
        from benchmarks.aggregation import floor, product
        from benchmarks.aggregation.fill import fill, forget

        fill(url, **SMALL)
        times: dict[str, list[float]] = {"session": [], "floor": []}
        for _ in range(ROUNDS):
            forget(url)
            seconds, _rows = timed(lambda: floor.work(url))
            times["floor"].append(seconds)
            forget(url)
            seconds, answer = timed(product.chunk)
            times["session"].append(seconds)
        written = product.rows()
        again = product.chunk()
        expected = 4 * SMALL["instances"] * (SMALL["databases"] + 1)
        if written != expected or again.written:
            raise SystemExit(f"{written} rows instead of {expected}; {again.written} written by a second run")
        one_type = max(product.chunk([type]).statements for type in product.types())
    middle = {name: statistics.median(values) for name, values in times.items()}
    return Result(
        name="aggregation",
        bars=(Bar(name="four period types", measured=middle["session"], floor=middle["floor"], limit=TIMES_FLOOR),),
        limits=(
            Limit(name="statements of one period type", measured=one_type, at_most=STATEMENTS),
            Limit(name="rows written again", measured=again.written, at_most=0),
        ),
        statements=answer.statements,
        detail={**SMALL, "rows": written, "rounds": {k: [round(v, 3) for v in values] for k, values in times.items()}},
    )


def _large() -> Result:
    with own_database() as url:
        from benchmarks.aggregation import floor, product
        from benchmarks.aggregation.fill import fill, forget

        filling, days = timed(lambda: fill(url, **LARGE))
        with worker() as work:
            first = work("aggregation")
            again = work("aggregation")
        written = product.rows()
        forget(url)
        alone, _rows = timed(lambda: floor.work(url))
    expected = 4 * LARGE["instances"] * (LARGE["databases"] + 1)
    if written != expected:
        raise SystemExit(f"{written} rows instead of {expected}")
    return Result(
        name="aggregation, large",
        bars=(Bar(name="four period types", measured=first.seconds, floor=alone, limit=TIMES_FLOOR),),
        limits=(
            Limit(name="session", measured=first.seconds, unit="s", at_most=LARGE_SECONDS),
            Limit(name="the same again", measured=again.seconds, unit="s", at_most=LARGE_SECONDS),
            Limit(name="peak memory of the worker", measured=again.peak_mb, unit="MB", at_most=LARGE_MB),
        ),
        statements=first.statements,
        detail={**LARGE, "daily_rows": days, "rows": written, "filling_seconds": round(filling, 1)},
    )
