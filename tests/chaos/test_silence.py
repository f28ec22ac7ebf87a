"""Servers that never answer hold up nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from instances.models import Instance
from sessions_app import engine, services
from tests.dbms.peers import Proxy, listener
from whalefall.demo.servers import ThrowawayServer

pytestmark = [pytest.mark.chaos, pytest.mark.django_db]

CONNECT_SECONDS = 3
MARGIN_SECONDS = 1.5


@pytest.fixture
def healthy(targets: dict[str, ThrowawayServer]) -> Iterator[dict[str, list[tuple[str, int]]]]:
    """Twenty hosts, ten of each kind."""
    with ExitStack() as stack:
        yield {
            db_type: [
                _address(stack.enter_context(Proxy((server.host, server.port), host=f"127.0.{number}.{host}")))
                for host in range(1, 11)
            ]
            for number, (db_type, server) in enumerate(targets.items(), start=1)
        }


def _address(proxy: Proxy) -> tuple[str, int]:
    return proxy.host, proxy.port


@pytest.fixture
def silent() -> Iterator[list[tuple[str, int]]]:
    """Five hosts that take a connection and say nothing."""
    with ExitStack() as stack:
        hosts = [f"127.0.3.{host}" for host in range(1, 6)]
        yield [(host, stack.enter_context(listener(None, host=host))) for host in hosts]


def seconds_of_a_session(succeed: int, fail: int) -> float:
    """How long a session over all instances takes when nothing is tried twice."""
    session = services.start_session(
        category="account", sync_type="manual_task", instances=Instance.objects.all(), max_attempts=1,
        parameters={"force": True},
    )  # fmt: skip
    began = time.monotonic()
    engine.run(session=session)
    took = time.monotonic() - began
    session.refresh_from_db()
    assert (session.successful_instances, session.failed_instances) == (succeed, fail)
    assert set(session.records.filter(status="failed").values_list("reason", flat=True)) == (
        {"timeout"} if fail else set()
    )
    return took


def test_five_of_25_servers_that_never_answer_cost_one_connect_time_out(healthy, silent, make_instances):
    made = {
        db_type: make_instances(db_type, silent[number::2], connect_timeout=CONNECT_SECONDS)
        for number, db_type in enumerate(healthy)
    }  # first in line
    for db_type, addresses in healthy.items():
        make_instances(db_type, addresses, connect_timeout=CONNECT_SECONDS)
    quiet = [instance.pk for instances in made.values() for instance in instances]
    Instance.objects.filter(pk__in=quiet).update(is_active=False)
    seconds_of_a_session(20, 0)  # the first one stores everything
    without = seconds_of_a_session(20, 0)
    Instance.objects.update(is_active=True)
    assert seconds_of_a_session(20, 5) < without + CONNECT_SECONDS + MARGIN_SECONDS
