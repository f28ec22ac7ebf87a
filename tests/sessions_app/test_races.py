"""What several workers, operators and sweeps do to each other at the same moment. Needs real concurrent connections."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from dbms.base import Target
from instances.models import Instance
from sessions_app import claims, engine, records, services, sessions
from sessions_app.categories import ItemCounts, Run
from sessions_app.models import RecordStatus, SyncInstanceRecord, SyncSession
from tests.sessions_app.fakes import FakeSnapshot
from whalefall.errors import OwnDatabaseUnavailable

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite serialises every writer by itself"),
]


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run the calls in threads that start together; raise what one of them raised."""
    gate, results = threading.Barrier(len(calls)), [None] * len(calls)
    errors: list[BaseException] = []

    def run(place: int, call: Callable[[], object]) -> None:
        try:
            gate.wait(10)
            results[place] = call()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if errors:
        raise errors[0]
    return results


def start(sync_type: str = "manual_task") -> SyncSession:
    return services.start_session(category="account", sync_type=sync_type, instances=Instance.objects.all())


def test_workers_that_claim_at_once_never_share_a_record(script, make_instances):
    make_instances(*(f"i{n}" for n in range(120)))
    session = start()

    def work() -> list[int]:
        mine: list[int] = []
        while claimed := claims.claim_fetches(limit=7, free_bytes=10**12, idle=False, session=session).records:
            mine += [record.pk for record in claimed]
        return mine

    taken = [pk for mine in at_once(work, work, work, work) for pk in mine]
    assert len(taken) == len(set(taken)) == 120


def test_claims_at_once_respect_the_host_limit(script, make_instances, settings):
    make_instances(*(f"i{n}" for n in range(20)), host="same.example")
    start()
    at_once(*[lambda: claims.claim_fetches(limit=4, free_bytes=10**12, idle=True).records] * 6)
    assert SyncInstanceRecord.objects.filter(status=RecordStatus.RUNNING).count() == settings.SYNC_PER_HOST


def test_two_starts_at_once_open_each_instance_once(script, make_instances):
    make_instances(*(f"i{n}" for n in range(50)))
    first, second = at_once(start, start)
    open_by_instance = Counter(
        SyncInstanceRecord.objects.filter(status=RecordStatus.PENDING).values_list("instance_id", flat=True)
    )
    assert len(open_by_instance) == 50
    assert set(open_by_instance.values()) == {1}
    assert first.records.count() == second.records.count() == 50


def test_a_cancel_waits_for_an_apply_in_flight_and_stops_the_next(script, make_instances):
    make_instances("a", "b")
    session = start()
    applying, untouched = claims.claim_fetches(limit=2, free_bytes=10**12, idle=True).records
    held, cancelling = threading.Event(), threading.Event()

    def apply() -> None:
        with transaction.atomic():
            records.hold([applying])
            held.set()
            assert cancelling.wait(10)
            _until_somebody_waits_for_a_lock()
            records.complete([applying], {applying.pk: ItemCounts(synced=1)})

    def cancel() -> None:
        assert held.wait(10)
        cancelling.set()
        services.cancel_session(session)

    at_once(apply, cancel)
    session.refresh_from_db()
    assert (session.status, session.successful_instances, session.cancelled_instances) == ("cancelled", 1, 1)
    with pytest.raises(records.LeaseLost):
        records.hold([untouched])


def test_a_cancel_between_hold_and_commit_keeps_that_result_and_drops_every_later_one(script, make_instances):
    make_instances("applying", "reading")
    session = start()
    held, cancelled = threading.Event(), threading.Event()

    def write(instance: Instance, run: Run) -> None:
        held.set()
        _until_somebody_waits_for_a_lock()
        Instance.objects.filter(pk=instance.pk).update(description="stored")

    def read_on(target: Target) -> FakeSnapshot:
        assert cancelled.wait(20)
        return FakeSnapshot()

    def cancel() -> None:
        assert held.wait(20)
        services.cancel_session(session)
        cancelled.set()

    script.apply["applying"], script.fetch["reading"] = write, read_on
    at_once(lambda: engine.run(session=session), cancel)
    session.refresh_from_db()
    assert (session.status, session.successful_instances, session.cancelled_instances) == ("cancelled", 1, 1)
    assert script.applied == ["applying"]
    assert Instance.objects.get(description="stored").name == "applying"
    assert not session.records.filter(slot_until__isnull=False).exists()


def test_a_cancel_gives_up_on_an_apply_that_never_ends_and_may_be_repeated(
    script, make_instances, settings, monkeypatch
):
    settings.SYNC_APPLY_SECONDS = 0.5
    monkeypatch.setattr(services, "CANCEL_MARGIN_SECONDS", 0)
    make_instances("stuck", "waiting")
    session = start()
    stuck = claims.claim_fetches(limit=1, free_bytes=10**12, idle=True).records
    held, given_up = threading.Event(), threading.Event()

    def apply() -> None:
        with transaction.atomic():
            records.hold(stuck)
            held.set()
            assert given_up.wait(20)

    def cancel() -> float:
        assert held.wait(20)
        began = time.monotonic()
        with pytest.raises(OwnDatabaseUnavailable):
            services.cancel_session(session)
        given_up.set()
        return time.monotonic() - began

    _, took = at_once(apply, cancel)
    assert took < 0.5 + 2
    session.refresh_from_db()
    assert session.status == "running"
    assert services.cancel_session(session).status == services.cancel_session(session).status == "cancelled"
    assert session.records.filter(status=RecordStatus.CANCELLED).count() == 2


def _until_somebody_waits_for_a_lock() -> None:
    """Returns when another backend waits for a row of ours, as PostgreSQL itself sees it."""
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute("SELECT pg_sleep(0.01), count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if cursor.fetchone()[1]:
                return
            cursor.execute("SELECT pg_stat_clear_snapshot()")
    raise AssertionError("nobody waits")


def test_renewals_cancels_and_sweeps_never_deadlock(script, make_instances, settings):
    settings.SYNC_PER_HOST = 1000
    make_instances(*(f"i{n}" for n in range(60)))

    for _ in range(5):
        session = start()
        mine = claims.claim_fetches(limit=60, free_bytes=10**12, idle=True).records
        mixed = mine[::-1]
        at_once(
            lambda mine=mine: [sessions.renew(mine) for _ in range(10)],
            lambda mixed=mixed: [sessions.renew(mixed) for _ in range(10)],
            lambda: [services.sweep() for _ in range(10)],
            lambda session=session: services.cancel_session(session),
        )
        assert not session.records.filter(status__in=["pending", "running"]).exists()
        SyncInstanceRecord.objects.update(slot_until=None)


def test_one_finalizer_wins(script, make_instances):
    make_instances("a")
    session = start()
    (record,) = claims.claim_fetches(limit=1, free_bytes=10**12, idle=True).records
    records.hold([record])
    records.complete([record], {record.pk: ItemCounts()})
    assert sorted(at_once(*[lambda: sessions.finalize(session.pk)] * 4)) == [False, False, False, True]


def test_a_cancel_and_a_joint_completion_lock_in_the_same_order(script, make_instances):
    """hold() locks in the order of the disk, a cancel in that of the keys: PostgreSQL ends one of them."""
    make_instances("low", "high")
    session = start()
    low, high = claims.claim_fetches(limit=2, free_bytes=10**12, idle=True).records
    SyncInstanceRecord.objects.filter(pk=low.pk).update(lease_expires_at=high.created_at)  # now behind the other one
    SyncInstanceRecord.objects.filter(pk=low.pk).update(worker="x")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sync_instance_records")  # as autovacuum does
    locked, cancelling = threading.Event(), threading.Event()
    ended = []

    def waiting(number: int) -> None:
        deadline = time.monotonic() + 10
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while time.monotonic() < deadline:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(query)
                if cursor.fetchone()[0] >= number:
                    return
            time.sleep(0.02)
        raise AssertionError("nobody waits")

    def somebody() -> None:
        with transaction.atomic():
            records.hold([low])
            locked.set()
            waiting(1)
            cancelling.set()
            waiting(2)

    def cancel() -> None:
        assert locked.wait(10)
        try:
            services.cancel_session(session)
        except Exception as error:
            ended.append(f"cancel: {error.__cause__}")

    def hold() -> None:
        assert cancelling.wait(10)
        try:
            with transaction.atomic():
                records.hold([low, high])
        except records.LeaseLost:
            pass
        except Exception as error:
            ended.append(f"hold: {error}")

    at_once(somebody, cancel, hold)
    assert ended == []
