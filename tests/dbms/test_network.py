"""Calls that nothing can end, and what becomes of them."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

from dbms.network import in_time


def test_what_comes_too_late_is_discarded():
    let_go, discarded = threading.Event(), SimpleQueue()
    with pytest.raises(TimeoutError):
        in_time(lambda: let_go.wait(20) and "a connection", seconds=0.05, discard=discarded.put)
    assert discarded.empty()
    let_go.set()
    assert discarded.get(timeout=5) == "a connection"


def test_what_comes_in_time_is_kept_and_what_fails_is_raised():
    discarded = SimpleQueue()
    assert in_time(lambda: "a connection", seconds=5, discard=discarded.put) == "a connection"
    with pytest.raises(ZeroDivisionError):
        in_time(lambda: 1 / 0, seconds=5, discard=discarded.put)
    assert discarded.empty()
