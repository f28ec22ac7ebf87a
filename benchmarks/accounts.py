"""An account session over 20 instances with 500 accounts each, and an unchanged second one."""

from __future__ import annotations

import statistics
from functools import partial

from benchmarks import fleet, floor
from benchmarks.product import own_database, register, session, timed
from benchmarks.result import Bar, Result

INSTANCES, REAL_SERVERS, ACCOUNTS, ROUNDS = 20, 4, 500, 3
FIRST_LIMIT, SECOND_LIMIT = 4.0, 2.0


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
