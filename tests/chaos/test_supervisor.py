"""A supervisor outlives its database."""

from __future__ import annotations

import time

import pytest

from tests.chaos.site import LEASE
from tests.dbms.peers import Proxy

pytestmark = [pytest.mark.chaos, pytest.mark.workers, pytest.mark.timeout(180)]

STOP_SECONDS = 9


def test_a_worker_ends_in_time_although_its_database_stands_still(make_site, migrated):
    site = make_site(CHAOS_FETCH_SECONDS="0.1-0.2", WORKER_STOP_SECONDS=str(STOP_SECONDS))
    with Proxy((migrated.host, migrated.port)) as proxy:
        url = site.url.replace(f"{migrated.host}:{migrated.port}", f"{proxy.host}:{proxy.port}")
        with site.host(DATABASE_URL=url) as host:
            proxy.freeze()
            time.sleep(LEASE + 3)  # until it has tried to sweep; in a standstill there is nothing to await
            host.process.terminate()
            assert host.process.wait(STOP_SECONDS + 6) == 0
