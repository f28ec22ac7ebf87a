"""How a call or a line to the double ends before its time."""

from __future__ import annotations


class OracleError(Exception):
    """What a statement or a login is answered with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"ORA-{code:05d}: {message}")
        self.code = code


class LineDropped(Exception):
    """The server process dies: the line ends without a word."""


class Cancelled(Exception):
    """The client broke the call off."""
