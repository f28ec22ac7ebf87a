"""A finding of a review as a test that fails: the supervisor waits for our own database without a bound."""

from __future__ import annotations

import time

import pytest

from tests.dbms.peers import Proxy

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180)]

STOP_SECONDS = 9


def test_a_worker_ends_in_time_although_its_database_stands_still(make_site):
    site = make_site(CHAOS_FETCH_SECONDS="0.1-0.2", WORKER_STOP_SECONDS=str(STOP_SECONDS))
    with Proxy((site.database.host, site.database.port)) as proxy:
        url = site.url.replace(f"{site.database.host}:{site.database.port}", f"{proxy.host}:{proxy.port}")
        with site.host(DATABASE_URL=url) as host:
            time.sleep(3)
            proxy.freeze()
            time.sleep(10)  # more than a lease: it sweeps
            host.process.terminate()
            try:
                assert host.process.wait(STOP_SECONDS + 6) == 0
            finally:
                host.process.kill()
