"""Names as Transact-SQL writes them."""

from __future__ import annotations

import re
from functools import lru_cache

PLAIN = re.compile(r"[^\W\d][\w@$#]*")  # "Database Identifiers": a regular identifier


@lru_cache(maxsize=4096)
def identifier(name: str) -> str:
    """A name, in brackets where it needs them."""
    return name if PLAIN.fullmatch(name) else bracketed(name)


def bracketed(name: str) -> str:
    """A name in brackets."""
    return "[" + name.replace("]", "]]") + "]"


def qualified(*parts: str | None) -> str:
    """Several names, joined by dots; those that are None are left out."""
    return ".".join(identifier(part) for part in parts if part is not None)
