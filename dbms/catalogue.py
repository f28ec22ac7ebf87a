"""How a DBMS's folder writes down the words that it grants by: {where they stand: words}.

Where is "capability", "global", "server", "system", "database", "tablespace" or "object". What is not listed may exist.
"""

from __future__ import annotations

from collections.abc import Mapping

Catalogue = Mapping[str, frozenset[str]]


def words(text: str) -> frozenset[str]:
    """Words that commas separate."""
    return frozenset(word.strip() for word in text.split(",") if word.strip())
