"""A server that nobody can connect to is only probed, until it answers or somebody says so."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from dbms.base import Target
from instances import breaker as instance_breaker
from instances import connections
from instances import services as instance_services
from instances.models import Instance
from sessions_app import breaker, engine, services
from sessions_app.categories import SyncCategory
from tests.dbms.peers import listener
from tests.sessions_app.conftest import record_of
from tests.sessions_app.fakes import FakeFetching, FakeSnapshot
from whalefall import errors

pytestmark = pytest.mark.django_db

LIMIT = 3


@pytest.fixture
def targets(script, monkeypatch, settings):
    """Categories that really make the target of the instance; no waiting between tries."""
    monkeypatch.setattr(FakeFetching, "target", SyncCategory.target)
    settings.SYNC_BREAKER_FAILURES = LIMIT
    settings.SYNC_BACKOFF_SECONDS = 0.01
    return script


@pytest.fixture
def instance(make_instances) -> Instance:
    (instance,) = make_instances("a")
    return instance


def open_breaker(instance: Instance) -> None:
    Instance.objects.filter(pk=instance.pk).update(
        connection_failures=LIMIT, breaker_opened_at=timezone.now(), probed_at=timezone.now()
    )


def failing(error: type[errors.RemoteError], seen: list[Target], *, connected: bool = False):
    """A fetch that fails so, before or after the server let it in."""

    def fetch(target: Target) -> FakeSnapshot:
        seen.append(target)
        if connected:
            target.interrupt.note_connected()
        raise error(**target.address, detail="as told", database="d", statement="s", version="1", minimum="2")

    return fetch


def run(sync_type: str = "scheduled_task", **fields):
    session = services.start_session(
        category="account", sync_type=sync_type, instances=Instance.objects.all(), **fields
    )
    engine.run(session=session)
    return record_of(session, "a")


def test_connections_that_fail_in_a_row_open_the_breaker(targets, instance):
    seen: list[Target] = []
    targets.fetch["a.example"] = failing(errors.ConnectionRefused, seen)
    run(max_attempts=LIMIT - 1)
    instance.refresh_from_db()
    assert (instance.connection_failures, instance.is_unreachable) == (LIMIT - 1, False)
    run(max_attempts=1)
    instance.refresh_from_db()
    assert (instance.connection_failures, instance.is_unreachable) == (LIMIT, True)
    assert instance.probed_at >= instance.breaker_opened_at


def test_the_breaker_says_since_when_and_counts_on(targets, instance):
    open_breaker(instance)
    instance.refresh_from_db()
    opened_at = instance.breaker_opened_at
    targets.fetch["a.example"] = failing(errors.UnknownHost, [])
    run()
    instance.refresh_from_db()
    assert (instance.connection_failures, instance.breaker_opened_at) == (LIMIT + 1, opened_at)
    assert instance.probed_at > opened_at


@pytest.mark.parametrize("sync_type", ["scheduled_task", "manual_task"])
def test_while_it_is_open_a_session_costs_one_short_connection(targets, instance, settings, sync_type):
    open_breaker(instance)
    seen: list[Target] = []
    targets.fetch["a.example"] = failing(errors.RemoteTimeout, seen)
    record = run(sync_type)
    assert (record.status, record.reason, record.attempts) == ("failed", "timeout", 1)
    assert [target.connect_timeout for target in seen] == [settings.SYNC_PROBE_SECONDS]


def test_a_real_peer_that_never_answers_costs_a_session_no_more_than_a_probe(targets, instance, settings):
    settings.SYNC_CATEGORIES = ["accounts_sync.sync.AccountSync"]
    settings.SYNC_PROBE_SECONDS = 1
    open_breaker(instance)
    with listener(None) as port:
        Instance.objects.update(host="127.0.0.1", port=port)
        began = time.monotonic()
        record = run()
        assert time.monotonic() - began < settings.SYNC_PROBE_SECONDS + 2
    assert (record.status, record.reason, record.attempts) == ("failed", "timeout", 1)
    instance.refresh_from_db()
    assert instance.connection_failures == LIMIT + 1


def test_a_probe_never_waits_longer_than_the_instance_would(targets, instance):
    open_breaker(instance)
    Instance.objects.update(connect_timeout=1)
    seen: list[Target] = []
    targets.fetch["a.example"] = failing(errors.RemoteTimeout, seen)
    run()
    assert [target.connect_timeout for target in seen] == [1]


def test_a_bulk_retry_only_probes_and_who_chose_the_instance_is_not_limited(targets, instance, settings):
    open_breaker(instance)
    seen: list[Target] = []
    targets.fetch["a.example"] = failing(errors.ConnectionRefused, seen)
    chosen = run("manual_batch", max_attempts=2)
    assert [target.connect_timeout for target in seen] == [settings.SYNC_CONNECT_SECONDS] * 2
    seen.clear()
    engine.run(session=services.retry_session(chosen.session))
    assert [target.connect_timeout for target in seen] == [settings.SYNC_PROBE_SECONDS]


def test_the_breaker_that_opens_within_a_session_ends_its_tries_with_one_probe(targets, instance, settings):
    Instance.objects.update(connection_failures=LIMIT - 1)
    seen: list[Target] = []
    targets.fetch["a.example"] = failing(errors.ConnectionRefused, seen)
    assert run(max_attempts=9).attempts == 2
    expected = [settings.SYNC_CONNECT_SECONDS, settings.SYNC_PROBE_SECONDS]
    assert [target.connect_timeout for target in seen] == expected


def test_a_probe_that_connects_reads_on_and_closes_the_breaker(targets, instance):
    open_breaker(instance)
    assert run().status == "completed"
    instance.refresh_from_db()
    assert (instance.connection_failures, instance.breaker_opened_at, instance.probed_at) == (0, None, None)


def test_a_probe_that_connects_and_breaks_off_is_tried_again_as_usual(targets, instance):
    open_breaker(instance)
    seen: list[Target] = []
    targets.fetch["a.example"] = failing(errors.RemoteTimeout, seen, connected=True)
    assert run(max_attempts=2).attempts == 2
    instance.refresh_from_db()
    assert (instance.connection_failures, instance.is_unreachable) == (0, False)


@pytest.mark.parametrize(
    "answer",
    [
        errors.LoginRejected,
        errors.AccountLocked,
        errors.PasswordExpired,
        errors.DatabaseMissing,
        errors.DatabaseClosed,
        errors.ConnectDenied,
        errors.TooManyConnections,
        errors.VersionUnsupported,
    ],
)
def test_a_server_that_says_no_is_there(targets, instance, answer):
    open_breaker(instance)
    targets.fetch["a.example"] = failing(answer, [])
    run("manual_batch", max_attempts=1)
    instance.refresh_from_db()
    assert (instance.connection_failures, instance.is_unreachable) == (0, False)


@pytest.mark.parametrize("error", [errors.RemoteTimeout, errors.ProtocolViolation, errors.PrivilegeMissing])
def test_what_fails_after_the_login_is_no_failure_to_connect(targets, instance, error):
    targets.fetch["a.example"] = failing(error, [], connected=True)
    for _ in range(LIMIT):
        run("manual_batch", max_attempts=1)
    instance.refresh_from_db()
    assert (instance.connection_failures, instance.is_unreachable) == (0, False)


def test_a_failure_that_says_nothing_of_the_server_changes_nothing(targets, instance):
    Instance.objects.update(connection_failures=1)
    for error in (errors.FetchCancelled, errors.ConnectionUnexplained):
        targets.fetch["a.example"] = failing(error, [])
        run("manual_batch", max_attempts=1)
    targets.fetch["a.example"] = lambda target: 1 / 0
    run("manual_batch", max_attempts=1)
    instance.refresh_from_db()
    assert instance.connection_failures == 1


def test_every_reason_of_a_failure_to_connect_is_decided():
    """A new ConnectionFailed has to say whether the server answered."""
    reasons = {
        error.reason for error in errors.CATALOGUE if issubclass(error, errors.ConnectionFailed) and error.reason
    }
    assert reasons - breaker.UNREACHABLE_REASONS - breaker.ANSWER_REASONS == {"other"}
    assert not breaker.UNREACHABLE_REASONS & breaker.ANSWER_REASONS


def test_zero_turns_the_breaker_off(targets, instance, settings):
    settings.SYNC_BREAKER_FAILURES = 0
    Instance.objects.update(connection_failures=LIMIT)
    targets.fetch["a.example"] = failing(errors.ConnectionRefused, [])
    run(max_attempts=1)
    instance.refresh_from_db()
    assert (instance.connection_failures, instance.is_unreachable) == (LIMIT + 1, False)
    open_breaker(instance)
    assert run(max_attempts=2).attempts == 2


def test_another_address_closes_it(instance):
    open_breaker(instance)
    instance.refresh_from_db()
    instance_services.update_instance(instance, description="still there?")
    assert Instance.objects.unreachable().exists()
    instance_services.update_instance(instance, host="elsewhere.example")
    assert not Instance.objects.unreachable().exists()


def test_closing_says_how_many_were_open(make_instances):
    make_instances("a", "b", "c")
    open_breaker(Instance.objects.get(name="a"))
    Instance.objects.filter(name="b").update(connection_failures=1)
    assert instance_breaker.close(Instance.objects.all()) == 1
    assert set(Instance.objects.values_list("connection_failures", flat=True)) == {0}


def test_a_successful_connection_test_closes_it(instance):
    open_breaker(instance)
    connections.note_success(instance.pk, version="PostgreSQL 15", main_version="15")
    assert not Instance.objects.unreachable().exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_fail_at_once_both_count(instance, settings):
    settings.SYNC_BREAKER_FAILURES = 2
    together = threading.Barrier(2)

    def fail() -> None:
        together.wait(5)
        instance_breaker.note_failure(instance.pk)
        connection.close()

    workers = [threading.Thread(target=fail) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    instance.refresh_from_db()
    assert (instance.connection_failures, instance.is_unreachable) == (2, True)
