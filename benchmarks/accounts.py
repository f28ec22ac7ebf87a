"""An account session over instances with 500 accounts each, and an unchanged second one."""

from __future__ import annotations

import statistics
from functools import partial

from benchmarks import floor
from benchmarks.fleets import FLEETS
from benchmarks.product import own_database, register, session, timed
from benchmarks.result import Bar, Result

ACCOUNTS, ROUNDS = 500, 5  # an odd number: the medians count
FIRST_LIMIT, SECOND_LIMIT = 4.0, 2.0


def run(*, db_type: str) -> Result:
    """Measure both sessions and their floors in turn, several times; the medians count."""
    fleet = FLEETS[db_type]
    with own_database() as url, fleet.start(ACCOUNTS) as logins:
        from django.conf import settings

        register(db_type, logins)
        times: dict[str, list[float]] = {"first": [], "second": [], "reads": [], "copy": []}
        counts: dict[str, int] = {}
        for _ in range(ROUNDS):
            forget()
            for name in ("first", "second"):
                seconds, counts[name] = timed(session)
                times[name].append(seconds)
            seconds, rows = timed(partial(floor.read, logins, settings.SYNC_THREADS, fleet.read))
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
            "db_type": db_type,
            "instances": fleet.instances,
            "accounts": stored,
            "rows_read": sum(map(len, rows)),
            "statements_per_instance": {name: round(count / fleet.instances, 1) for name, count in counts.items()},
            "rounds": {name: [round(value, 3) for value in values] for name, values in times.items()},
        },
    )


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
