"""Reads that no driver ever gives back, and hosts that never answer: they cost their threads and nobody else's time."""

from __future__ import annotations

import time

import pytest

from tests.chaos.site import DATABASES, bounded, names

pytestmark = [pytest.mark.chaos, pytest.mark.workers, pytest.mark.timeout(600)]

HUNG, HEALTHY = bounded("CHAOS_HUNG", 20), bounded("CHAOS_HEALTHY", 100)
END_SECONDS = 15


@pytest.mark.parametrize("database", DATABASES)
def test_reads_that_hang_for_ever_keep_nobody_from_being_read(make_site, database):
    site = make_site(database=database, CHAOS_FETCH_SECONDS="0.1-0.3", CHAOS_FETCH_TIMEOUT="2", SYNC_ATTEMPTS="1")
    with site.host() as host:
        session = site.start(*names(HUNG, "hang"), *names(HEALTHY))
        site.eventually(lambda: site.is_final(session), 180)
        host.process.terminate()
        assert host.process.wait(END_SECONDS) == 0
        assert site.statuses() == {"failed": HUNG, "completed": HEALTHY}, site.story()
        site.check_applied_once()


@pytest.mark.parametrize("database", DATABASES)
def test_a_worker_ends_in_time_while_its_reads_hang_and_gives_them_back(make_site, database):
    site = make_site(database=database, CHAOS_FETCH_SECONDS="0.1-0.2")
    with site.host() as host:
        site.start(*names(20, "hang"))
        site.eventually(lambda: site.statuses() == {"running": 20})
        began = time.monotonic()
        host.process.terminate()
        assert host.process.wait(END_SECONDS) == 0
        print(f"ended after {time.monotonic() - began:.1f} s")
        assert site.statuses() == {"pending": 20}, site.story()
        assert site.query("SELECT DISTINCT attempts, lost_count FROM sync_instance_records") == [(0, 0)]
