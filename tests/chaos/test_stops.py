"""A process that stands still holds nobody up, and what it had in hand when it wakes is dropped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.chaos import phases
from tests.chaos.site import AT_LENGTH, DATABASES, LEASE, PATIENCE, TIMES, Site

pytestmark = [pytest.mark.chaos, pytest.mark.workers, pytest.mark.timeout(300)]

TURN = (
    "import django; django.setup()\n"
    "from sessions_app import engine\n"
    "engine.run(seconds=3)\n"
)  # fmt: skip
LOCK, APPLY = float(TIMES["DATABASE_LOCK_SECONDS"]), float(TIMES["SYNC_APPLY_SECONDS"])


@contextmanager
def turn(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """One turn of the engine in a process that nobody supervises."""
    with site.log.open("ab") as output:
        process = subprocess.Popen([sys.executable, "-c", TURN], env=site.environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(PATIENCE)


def stop_in(site: Site, process: subprocess.Popen[bytes], phase: str) -> None:
    """SIGSTOP it in this phase, in the middle of a read or of a transaction."""
    site.eventually(lambda: phases.of(process.pid, site.phases) == phase and is_amid(site, phase))
    os.kill(process.pid, signal.SIGSTOP)
    assert phases.of(process.pid, site.phases) == phase


def is_amid(site: Site, phase: str) -> bool:
    if phase == phases.FETCH:
        return site.statuses() == {"running": 1}
    return bool(
        site.query("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE 'INSERT%'")
    )


@pytest.mark.parametrize("phase", [phases.APPLY, *([phases.FETCH] if AT_LENGTH else [])])
def test_a_stopped_worker_is_replaced_and_its_late_result_dropped(make_site, phase):
    site = make_site(CHAOS_FETCH_SECONDS="1-1", CHAOS_APPLY_SECONDS="1.5")
    session = site.start("db")
    with turn(site) as stopped:
        stop_in(site, stopped, phase)
        began = time.monotonic()
        site.manage("sweep")
        assert time.monotonic() - began < LOCK + 5  # 5 to start the command
        site.eventually(
            lambda: "given back" in site.manage("sweep") and site.statuses() == {"pending": 1}, 2 * LEASE + 5
        )
        with turn(site) as other:
            site.eventually(lambda: site.statuses() == {"completed": 1}, PATIENCE)
            os.kill(stopped.pid, signal.SIGCONT)
            stopped.wait(PATIENCE)
            other.wait(PATIENCE)
    assert site.status(session) == "completed"
    site.check_applied_once()


@pytest.mark.parametrize("phase", [phases.FETCH, phases.APPLY])
def test_a_cancel_does_not_wait_for_a_stopped_worker(make_site, phase):
    site = make_site(CHAOS_FETCH_SECONDS="1-1", CHAOS_APPLY_SECONDS="1.5")
    session = site.start("db")
    with turn(site) as stopped:
        stop_in(site, stopped, phase)
        (uuid,) = site.query("SELECT session_id::text FROM sync_sessions")[0]
        began = time.monotonic()
        site.manage("sessions", "cancel", uuid)
        took = time.monotonic() - began
        print(f"cancel took {took:.1f} s")
        assert took < APPLY + 5 + 5  # what a cancel waits for applies, and 5 to start the command
        assert (site.status(session), site.statuses()) == ("cancelled", {"cancelled": 1})
        os.kill(stopped.pid, signal.SIGCONT)
        stopped.wait(PATIENCE)
    assert site.statuses() == {"cancelled": 1}
    assert site.applied() == {}


@pytest.mark.parametrize("database", DATABASES)
def test_a_stopped_process_of_a_supervised_cluster_is_killed(make_site, database):
    site = make_site(database=database, CHAOS_FETCH_SECONDS="1-1")
    with site.host() as host:
        session = site.start("db")
        site.eventually(lambda: site.statuses() == {"running": 1})
        ((worker,),) = site.query("SELECT worker FROM sync_instance_records")
        pid = int(worker.rpartition(":")[2])
        assert pid in host.members()["worker"]
        os.kill(pid, signal.SIGSTOP)
        site.eventually(lambda: site.is_final(session), 45)
    assert site.statuses() == {"completed": 1}
    site.check_applied_once()
