"""WhaleFall's own database goes away, or takes no writes: work goes on where it was when it is back."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.chaos.site import LEASE, Site, bounded, names
from whalefall import processes
from whalefall.demo import servers
from whalefall.demo.servers import FAST_SHUTDOWN, ThrowawayServer

pytestmark = [pytest.mark.chaos, pytest.mark.workers, pytest.mark.timeout(300)]

RECORDS = bounded("CHAOS_OUTAGE_RECORDS", 100)
OUTAGE_SECONDS = 4.0


@contextmanager
def restarted(site: Site, database: ThrowawayServer) -> Iterator[None]:
    """The server ends at once, as in a crash, and another one starts on the same data a little later."""
    old, home = database.process, database.directory
    command = Path(f"/proc/{old.pid}/cmdline").read_text().rstrip("\0").split("\0")
    owner = (home / "data").stat()
    old.send_signal(signal.SIGQUIT)
    old.wait(30)
    time.sleep(OUTAGE_SECONDS)
    user = (owner.st_uid, owner.st_gid) if owner.st_uid else None
    new = processes.start(command, log=home / "log", ending=FAST_SHUTDOWN, user=user, directory=home)
    try:
        site.eventually(lambda: answers(site))
        yield
    finally:
        processes.end(new, FAST_SHUTDOWN)


@contextmanager
def read_only(site: Site, database: ThrowawayServer) -> Iterator[None]:
    """What a full disk looks like to a client: every write is refused, of open connections too."""
    site.query("ALTER SYSTEM SET default_transaction_read_only = on")
    site.query("SELECT pg_reload_conf()")
    time.sleep(OUTAGE_SECONDS)
    with psycopg.connect(site.url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")
    yield


def answers(site: Site) -> bool:
    try:
        return site.query("SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False


@pytest.mark.parametrize("outage", [restarted, read_only])
def test_an_outage_of_our_own_database_costs_its_time_and_nothing_else(tmp_path, outage):
    binaries = servers.installed_postgresql()
    assert binaries, "install the package postgresql"
    with servers.postgresql(binaries) as database, ExitStack() as running:
        site = Site(tmp_path, database, CHAOS_FETCH_SECONDS="0.3-0.6").migrate()
        for _ in range(2):
            running.enter_context(site.host())
        session = site.start(*names(RECORDS))
        site.when_completed(RECORDS // 4, session)
        assert not site.is_final(session)
        with outage(site, database):
            took = site.eventually(lambda: site.is_final(session), 2 * LEASE + 40)
            print(f"final {took:.1f} s after the outage")
            assert site.statuses() == {"completed": RECORDS}, site.story()
            site.check_applied_once()
