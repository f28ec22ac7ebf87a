"""Which databases a grant on a pattern reaches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

NAMES_SHOWN = 20
PARTS = re.compile(rb"\\(.)|(.)", re.DOTALL)  # an escaped byte, or one that may be a wildcard
WILDCARDS = {b"%": b".*", b"_": b"."}


class DatabaseNames:
    """The databases that the reading account can see.

    A grant's name is a LIKE pattern with the escape \\ (manual, "GRANT Statement"), whose _ stands for one byte, unless
    the server has partial_revokes on: then it is the name itself. `is_case_sensitive` is lower_case_table_names = 0.
    """

    def __init__(self, names: Sequence[str], *, has_patterns: bool, is_case_sensitive: bool) -> None:
        self.names = sorted(names)
        self.has_patterns = has_patterns
        self._is_case_sensitive = is_case_sensitive
        self._found: dict[str, dict[str, Any]] = {}

    def matches(self, patterns: Iterable[str]) -> dict[str, dict[str, Any]]:
        """{pattern: {count, databases}} of those with a wildcard; no more than NAMES_SHOWN databases are named."""
        if not self.has_patterns:
            return {}
        return {pattern: self._match(pattern) for pattern in patterns if is_pattern(pattern)}

    def _compared(self, name: str) -> bytes:
        return (name if self._is_case_sensitive else name.lower()).encode("utf-8", "surrogatepass")

    def _match(self, pattern: str) -> dict[str, Any]:
        if pattern not in self._found:
            expression = re.compile(_expression(self._compared(pattern)), re.DOTALL)
            matched = [name for name in self.names if expression.fullmatch(self._compared(name))]
            self._found[pattern] = {"count": len(matched), "databases": matched[:NAMES_SHOWN]}
        return self._found[pattern]


@lru_cache(maxsize=4096)
def is_pattern(text: str) -> bool:
    """Whether a grant's name has a wildcard that is not escaped."""
    return any(plain in WILDCARDS for _, plain in PARTS.findall(text.encode("utf-8", "surrogatepass")))


def _expression(pattern: bytes) -> bytes:
    return b"".join(
        re.escape(escaped) if escaped else WILDCARDS.get(plain, re.escape(plain))
        for escaped, plain in PARTS.findall(pattern)
    )
