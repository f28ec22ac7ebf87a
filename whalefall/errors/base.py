"""What every anticipated failure has: a code, a text with parameters, an HTTP status, a hint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


def N_(text: str) -> str:
    """Mark a text for translation without translating it."""
    return text


class WhaleFallError(Exception):
    """An anticipated failure. Keyword arguments are the parameters of its text."""

    message_code: ClassVar[str] = "INTERNAL_ERROR"
    reason: ClassVar[str] = ""
    http_status: ClassVar[int] = 500
    text: ClassVar[str] = N_("Unexpected error: {detail}")
    hint: ClassVar[str] = ""
    transient: ClassVar[bool] = False  # worth trying again by itself

    def __init__(self, *, extra: Mapping[str, Any] | None = None, **params: Any) -> None:
        self.params: dict[str, Any] = {"detail": "", **params}
        self.extra: dict[str, Any] = dict(extra or {})
        super().__init__(self.text.format_map(self.params))
