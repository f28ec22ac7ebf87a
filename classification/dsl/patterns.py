"""LIKE patterns over whole names: % for any text, _ for one character, \\ before either for itself.

Each piece between two % has a fixed length, and the leftmost place where it fits is always good enough. So there is
no backtracking: the time is bounded by the lengths of pattern and name, whatever somebody writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_PATTERN = 256


def compile_like(pattern: str) -> Callable[[str], bool]:
    """A test of whole names, in which case counts. Raises ValueError when the pattern ends in a lone backslash."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError("the pattern is too long")
    pieces = [re.compile(piece, re.DOTALL) for piece in _pieces(pattern)]
    if len(pieces) == 1:
        return lambda name: pieces[0].fullmatch(name) is not None
    first, *middle, last = pieces
    ending = re.compile(last.pattern + r"\Z", re.DOTALL)
    tail = _length(pattern)

    def matches(name: str) -> bool:
        found = first.match(name)
        if found is None:
            return False
        place = found.end()
        for piece in middle:
            found = piece.search(name, place)
            if found is None:
                return False
            place = found.end()
        start = len(name) - tail
        return start >= place and ending.match(name, start) is not None

    return matches


def beginning(pattern: str) -> str:
    """The text that every name begins with which matches."""
    found = ""
    characters = iter(pattern)
    for character in characters:
        if character in "%_":
            break
        found += next(characters, "") if character == "\\" else character
    return found


def may_begin(pattern: str, text: str) -> bool:
    """Whether a name that begins with this text may match; True also where that takes a closer look."""
    start = beginning(pattern)
    return start.startswith(text) or text.startswith(start)


def _characters(pattern: str) -> list[str | None]:
    """Regular expressions of single characters; None for %."""
    found: list[str | None] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            if not escaped:
                raise ValueError("the pattern ends in a lone backslash")
            found.append(re.escape(escaped))
        elif character == "%":
            found.append(None)
        else:
            found.append("." if character == "_" else re.escape(character))
    return found


def _pieces(pattern: str) -> list[str]:
    pieces = [""]
    for character in _characters(pattern):
        if character is None:
            pieces.append("")
        else:
            pieces[-1] += character
    return pieces


def _length(pattern: str) -> int:
    """How many characters the piece behind the last % takes."""
    length = 0
    for character in _characters(pattern):
        length = 0 if character is None else length + 1
    return length
