"""The whole read ends in time, whatever the server or the way to it does."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import pytest

from dbms.base import Interrupt, Target
from sessions_app.fetches import ABORT_GRACE_SECONDS, Fetch
from sessions_app.models import SyncInstanceRecord
from tests.dbms.conftest import (  # noqa: F401 - fixtures
    guarded,
    guarded_mariadb,
    oracle_certificate,
    oracle_server,
    oracle_without_tls,
    other_ca,
    trusted_ca,
)
from tests.dbms.contract import SUBJECTS, Subject
from tests.dbms.peers import Proxy, listener
from tests.dbms.test_contract import awaited
from whalefall.errors import FetchCancelled, RemoteTimeout

BUDGET_SECONDS = 1
MANY_ROWS = {
    "postgresql": "SELECT repeat('x', 1000) FROM generate_series(1, 20000)",
    "mysql": "SELECT REPEAT('x', 1000) FROM information_schema.COLUMNS, information_schema.TABLES LIMIT 20000",
    "sqlserver": "SELECT a.name FROM sys.all_columns AS a",
    "oracle": "SELECT RPAD('x', 1000, 'x') FROM dual CONNECT BY LEVEL <= 20000",
}
HALF_OF_THEM = 10_000_000


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    subject = SUBJECTS[request.param](request)
    yield subject
    subject.clean()


class Read:
    """A fetch of the engine that has begun, and when it ended."""

    def __init__(self, target: Target, read: Callable[[Target], Any], logged_in: threading.Event) -> None:
        self.fetch = Fetch(SyncInstanceRecord(pk=1), target, read)
        self.logged_in = logged_in
        self.began = time.monotonic()
        self.ended = math.inf
        finished: SimpleQueue[Fetch] = SimpleQueue()
        self.fetch.start(finished)
        threading.Thread(target=self._watch, args=(finished,), daemon=True).start()

    def _watch(self, finished: SimpleQueue[Fetch]) -> None:
        finished.get()
        self.ended = time.monotonic()

    @property
    def has_ended(self) -> bool:
        """Whether its thread is gone, and its end noted, which another thread does."""
        return not self.fetch.is_alive and self.ended < math.inf

    @property
    def seconds(self) -> float:
        """How long it took; infinite while it goes on."""
        return self.ended - self.began


@dataclass(frozen=True, kw_only=True)
class Peer:
    """What stands between a reader and a server."""

    proxy: dict[str, Any] | None = None  # nothing but silence without one
    then: str = ""  # what the proxy does after the login
    lets_in: bool = False
    changes: dict[str, Any]


PEERS = {
    "never answers": Peer(changes={"connect_timeout": 30}),
    "trickles from the greeting on": Peer(proxy={"trickles": True}, changes={"connect_timeout": 30}),
    "trickles from the greeting on, TLS": Peer(
        proxy={"trickles": True}, changes={"connect_timeout": 30, "tls_mode": "require"}
    ),
    "freezes before the login": Peer(proxy={"freeze_after": 1}, changes={"connect_timeout": 30}),
    "freezes in the TLS handshake": Peer(
        proxy={"freeze_after": 1}, changes={"connect_timeout": 30, "tls_mode": "require"}
    ),
    "freezes after the login": Peer(proxy={}, lets_in=True, then="freeze", changes={}),
    "trickles after the login": Peer(proxy={}, lets_in=True, then="trickle", changes={}),
    "trickles after the login, TLS": Peer(proxy={}, lets_in=True, then="trickle", changes={"tls_mode": "require"}),
    "freezes among the rows": Peer(proxy={"freeze_after": HALF_OF_THEM}, lets_in=True, changes={}),
}


@contextmanager
def read_through(subject: Subject, peer: Peer, **limits: int) -> Iterator[Read]:
    with ExitStack() as stack:
        if peer.proxy is None:
            address = {"host": "127.0.0.1", "port": stack.enter_context(listener(None))}
        else:
            proxy = stack.enter_context(Proxy((subject.host, subject.port), **peer.proxy))
            address = {"host": proxy.host, "port": proxy.port}

        logged_in = threading.Event()

        def read(target: Target) -> None:
            with subject.adapter.connect(target) as connection:
                logged_in.set()
                if peer.then:
                    getattr(proxy, peer.then)()
                subject.send(connection, MANY_ROWS[subject.key])

        changes = {"fetch_timeout": BUDGET_SECONDS, "interrupt": Interrupt(), **peer.changes, **limits}
        yield Read(subject.target(**address, **changes), read, logged_in)


def overdue(reads: dict[str, Read], seconds: float) -> dict[str, float]:
    """The reads that took longer, after waiting for all a little longer than that."""
    awaited(lambda: all(read.has_ended for read in reads.values()), seconds + 1)
    return {name: read.seconds for name, read in reads.items() if read.seconds > seconds}


def test_a_read_ends_in_time_whatever_the_peer_does(subject):
    with ExitStack() as stack:
        reads = {name: stack.enter_context(read_through(subject, peer)) for name, peer in PEERS.items()}
        assert overdue(reads, BUDGET_SECONDS + ABORT_GRACE_SECONDS) == {}
        errors = {name: type(read.fetch.error) for name, read in reads.items()}
        assert errors == dict.fromkeys(PEERS, RemoteTimeout)


def test_a_cancelled_read_ends_whatever_the_peer_does(subject):
    with ExitStack() as stack:
        changes = {"connect_timeout": 2, "fetch_timeout": 60}
        reads = {name: stack.enter_context(read_through(subject, peer, **changes)) for name, peer in PEERS.items()}
        assert all(reads[name].logged_in.wait(5) for name, peer in PEERS.items() if peer.lets_in)
        for read in reads.values():
            read.fetch.abort("cancelled")
        assert overdue(reads, 2 + ABORT_GRACE_SECONDS) == {}
        assert [name for name, read in reads.items() if read.fetch.is_stuck] == []
        errors = {name: type(read.fetch.error) for name, read in reads.items()}
        assert errors == dict.fromkeys(PEERS, FetchCancelled)


def test_reads_from_a_server_that_is_stopped_end_in_time(subject):
    if subject.process is None:
        pytest.skip("this server is not ours to stop")

    def begin(**limits: int) -> Read:
        logged_in = threading.Event()

        def read(target: Target) -> None:
            with subject.adapter.connect(target) as connection:
                logged_in.set()
                subject.send(connection, subject.sleep)

        return Read(subject.target(**limits, interrupt=Interrupt()), read, logged_in)

    with subject.stopped() as stop:
        overdrawn, cancelled = reads = begin(fetch_timeout=2), begin(fetch_timeout=60)
        assert all(read.logged_in.wait(2) for read in reads)
        stop()
        cancelled.fetch.abort("cancelled")
        assert overdue({"overdrawn": overdrawn, "cancelled": cancelled}, 2 + ABORT_GRACE_SECONDS) == {}
    assert [type(read.fetch.error) for read in reads] == [RemoteTimeout, FetchCancelled]
