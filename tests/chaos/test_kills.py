"""Processes are killed at random while a session runs: each record is applied once, and the session ends."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import ExitStack, suppress

import pytest

from tests.chaos import phases
from tests.chaos.brokers import redis_server
from tests.chaos.site import AT_LENGTH, LEASE, Host, Site, bounded, names

pytestmark = [pytest.mark.chaos, pytest.mark.workers, pytest.mark.timeout(1200)]

RECORDS, KILLS = bounded("CHAOS_RECORDS", 200), bounded("CHAOS_KILLS", 4)
SEED = bounded("CHAOS_SEED", random.randrange(10**6))
PHASES = (phases.CLAIM, phases.FETCH, phases.APPLY, phases.IDLE)
ROLES = ("pusher", "monitor", "sentinel", "main")
SITES = [("postgresql", "orm", 2), ("postgresql", "redis", 2), *([("sqlite", "orm", 1)] if AT_LENGTH else [])]
AIM_SECONDS = 3.0
AT_ONCE = "24" if KILLS >= 20 else "8"  # so few that the session outlives the kills, and that there are idle workers
LOST = "SELECT lost_count, count(*) FROM sync_instance_records GROUP BY 1 ORDER BY 1"


def kill(site: Site, hosts: list[Host], target: str, chance: random.Random) -> str:
    """SIGKILL a process that is in this phase, or has this role; what it was when it died, empty if none could be."""
    deadline = time.monotonic() + AIM_SECONDS
    while time.monotonic() < deadline:
        host = chance.choice(hosts)
        members = host.members()
        if target in ROLES:
            for pid in members[target]:
                os.kill(pid, signal.SIGKILL)
                return target
            continue
        aim = time.monotonic() + AIM_SECONDS / 4
        while time.monotonic() < aim:
            for pid in members["worker"]:
                if phases.of(pid, site.phases) == target:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        return phases.of(pid, site.phases)  # where it really was: it writes no more
            time.sleep(0.0005)
    return ""


def kill_at_random(site: Site, hosts: list[Host], session: int, number: int) -> Counter[str]:
    """So many kills, each after another few records have been completed, every phase as often as the others."""
    chance = random.Random(SEED)
    died: Counter[str] = Counter()
    finished = 0
    while died.total() < number and not site.is_final(session):
        finished += chance.randint(*((20, 80) if KILLS >= 20 else (10, 30)))
        finished = site.when_completed(finished, session)
        wanted = [phase for phase in PHASES if died[phase] < min(3, number // 4)]
        target = chance.choice(wanted or [*PHASES, *ROLES]) if chance.random() < 0.7 else chance.choice(ROLES)
        if what := kill(site, hosts, target, chance):
            died[what] += 1
            print(f"{time.monotonic():10.2f} killed in {what} after {finished} records")
    return died


@pytest.mark.parametrize(("database", "broker", "number"), SITES)
def test_kills_cost_time_and_nothing_else(make_site, tmp_path, database, broker, number):
    print(f"CHAOS_SEED={SEED}")
    with ExitStack() as running:
        url = running.enter_context(redis_server(tmp_path)) if broker == "redis" else ""
        site = make_site(
            database=database, CHAOS_FETCH_SECONDS="0.3-0.8", REDIS_URL=url, SYNC_PER_SESSION=AT_ONCE, Q_WORKERS="3"
        )
        hosts = [running.enter_context(site.host()) for _ in range(number)]
        session = site.start(*names(RECORDS))
        died = kill_at_random(site, hosts, session, KILLS)
        took = site.eventually(lambda: site.is_final(session), 2 * LEASE + 30)
    print(f"{dict(died)}; final {took:.1f} s after the last kill; lost: {site.query(LOST)}")
    assert died.total() == KILLS
    assert KILLS < 20 or min(died[phase] for phase in PHASES) >= 3
    assert site.statuses() == {"completed": RECORDS}, site.story()
    site.check_applied_once()
