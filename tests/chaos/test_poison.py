"""A record that kills every worker that touches it."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.chaos.brokers import redis_server
from tests.chaos.site import AT_LENGTH, names

pytestmark = [pytest.mark.chaos, pytest.mark.workers, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("database", "broker"),
    [("sqlite", "orm"), *([("postgresql", "orm"), ("postgresql", "redis")] if AT_LENGTH else [])],
)
def test_a_record_that_kills_its_worker_fails_alone(make_site, tmp_path, database, broker):
    with ExitStack() as running:
        url = running.enter_context(redis_server(tmp_path)) if broker == "redis" else ""
        site = make_site(database=database, CHAOS_FETCH_SECONDS="0.05-0.1", REDIS_URL=url)
        running.enter_context(site.host())
        session = site.start(*names(20), "poison")
        site.eventually(lambda: site.is_final(session), 90)
    assert site.statuses() == {"completed": 20, "failed": 1}, site.story()
    assert site.query(
        "SELECT instance_name, message_code, lost_count FROM sync_instance_records WHERE status = 'failed'"
    ) == [("poison", "WORKER_LOST", 3)]
    site.check_applied_once()
