"""Deadlines come in time, one by one, however many there are."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from dbms.deadlines import Deadlines

SOON, LATER, NEVER, PATIENCE = 0.05, 0.3, 600, 10


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines()


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """What is held up waits for it, and for no longer than the test."""
    event = threading.Event()
    yield event
    event.set()


def test_they_come_in_the_order_of_their_times_and_none_too_early(deadlines):
    came, all_of_them = [], threading.Event()
    began = time.monotonic()

    def note(name: str, number: int) -> None:
        came.append((name, time.monotonic() - began))
        if len(came) == number:
            all_of_them.set()

    deadlines.set(NEVER, lambda: note("never", 3))
    deadlines.set(LATER, lambda: note("later", 2))
    deadlines.set(SOON, lambda: note("soon", 2))
    assert all_of_them.wait(PATIENCE)
    assert [name for name, _ in came] == ["soon", "later"]
    assert came[0][1] >= SOON
    assert came[1][1] >= LATER


def test_one_that_comes_before_all_others_is_waited_for_at_once(deadlines):
    deadlines.set(NEVER, lambda: None)
    for _ in range(20):
        came = threading.Event()
        deadlines.set(0.01, came.set)
        assert came.wait(PATIENCE)


def test_one_that_is_cancelled_never_comes(deadlines):
    came, other = threading.Event(), threading.Event()
    cancelled = deadlines.set(SOON, came.set)
    deadlines.cancel(cancelled)
    deadlines.cancel(cancelled)
    deadlines.set(LATER, other.set)
    assert other.wait(PATIENCE)
    assert not came.is_set()


def test_one_that_blocks_delays_no_other(deadlines, let_go):
    came = threading.Event()
    deadlines.set(SOON, lambda: let_go.wait(PATIENCE))
    deadlines.set(SOON, came.set)
    assert came.wait(PATIENCE / 2)
    assert not let_go.is_set()


def test_one_that_fails_takes_no_other_along(deadlines, monkeypatch):
    failures, came = [], threading.Event()
    monkeypatch.setattr(threading, "excepthook", failures.append)
    deadlines.set(SOON, lambda: 1 / 0)
    deadlines.set(LATER, came.set)
    assert came.wait(PATIENCE)
    assert [failure.exc_type for failure in failures] == [ZeroDivisionError]


def test_without_a_further_thread_it_comes_all_the_same(deadlines, monkeypatch):
    came = threading.Event()
    deadlines.set(NEVER, came.set)  # so that the thread that waits is there

    def none_left(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    deadlines.set(SOON, came.set)
    assert came.wait(PATIENCE)


def test_what_is_cancelled_is_not_held(deadlines):
    class Read:
        def end(self) -> None: ...

    read = Read()
    gone = weakref.ref(read)
    deadlines.cancel(deadlines.set(NEVER, read.end))
    del read
    assert gone() is None


def test_thousands_that_were_cancelled_leave_room(deadlines):
    kept = deadlines.set(NEVER, lambda: None)
    for _ in range(5_000):
        deadlines.cancel(deadlines.set(NEVER, lambda: None))
    assert kept in deadlines._waiting
    assert len(deadlines._waiting) < 500


def test_a_forked_process_waits_for_its_own(deadlines):
    deadlines.set(NEVER, lambda: None)  # so that the parent has the thread, which no fork takes along
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        came = threading.Event()
        deadlines.set(SOON, came.set)
        os.write(tell, b"yes" if came.wait(PATIENCE) else b"no")
        os._exit(0)
    try:
        assert select.select([told], [], [], 2 * PATIENCE)[0]
        assert os.read(told, 3) == b"yes"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(told)
        os.close(tell)
