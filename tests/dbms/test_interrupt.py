"""What ends a fetch from another thread, whatever the driver behind it does."""

from __future__ import annotations

import threading
import time

from dbms.base import Interrupt


def test_a_cancel_that_never_returns_does_not_keep_the_line_open():
    interrupt, let_go, cut = Interrupt(), threading.Event(), threading.Event()
    try:
        with interrupt.guard(cancel=lambda: let_go.wait(20), disconnect=cut.set):
            began = time.monotonic()
            interrupt.fire("cancelled")
            assert cut.is_set()
            assert time.monotonic() - began < 2
    finally:
        let_go.set()


def test_a_line_that_the_cancel_ended_is_not_cut():
    interrupt, opened, ended, cut = Interrupt(), threading.Event(), threading.Event(), threading.Event()

    def read() -> None:
        with interrupt.guard(cancel=ended.set, disconnect=cut.set):
            opened.set()
            ended.wait(20)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert opened.wait(5)
    interrupt.fire("cancelled")
    reader.join(5)
    assert not cut.is_set()
