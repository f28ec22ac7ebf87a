"""What a function of an expression is: its arguments, its test, and the evidence for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from classification.dsl.subjects import Subject
from classification.dsl.unread import ALL_READ, Place

Args = Mapping[str, Any]
Truth = bool | None
Test = Callable[[Subject], Truth]
Evidence = Callable[[Subject], Iterator[str]]
Places = tuple[Place, ...]

DAYS = 36_500
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)  # what evidence raises over malformed documents


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument. `kind`: name, pattern, words, db_types, days or flag; `choices` narrows names and words."""

    kind: str
    required: bool = True
    choices: tuple[str, ...] = ()
    since: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function. `build` makes its test; `evidence` tells what makes it true; `due` when the clock may change it.

    `places` are where it looks: as long as one of them was never read, not to have found anything means nothing.
    """

    label: str
    build: Callable[[Args], Test]
    evidence: Callable[[Args], Evidence]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    since: int = 4
    db_types: tuple[str, ...] = ()  # empty: all
    needs_document: bool = False
    due: Callable[[Args], Callable[[Subject], datetime | None]] | None = None
    places: Callable[[Args], Places] = lambda _: ()


def missing(subject: Subject, places: Places) -> Truth:
    """What not to have found anything in these places means: False, or None while one may hide it."""
    if subject.unread is ALL_READ or subject.absent is None:
        return subject.absent
    return None if any(subject.hiding(places)) else False


def of_evidence(evidence: Callable[[Args], Evidence], places: Callable[[Args], Places]) -> Callable[[Args], Test]:
    """A test that is true as soon as there is evidence, and unknown when the evidence cannot be read."""

    def build(args: Args) -> Test:
        find, where = evidence(args), places(args)

        def test(subject: Subject) -> Truth:
            try:
                return True if next(find(subject), None) is not None else missing(subject, where)
            except UNREADABLE:
                return None

        return test

    return build
