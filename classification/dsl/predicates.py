"""What a function of an expression is: its arguments, its test, and the evidence for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from classification.dsl.subjects import Subject

Args = Mapping[str, Any]
Truth = bool | None
Test = Callable[[Subject], Truth]
Evidence = Callable[[Subject], Iterator[str]]

DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument. `kind`: name, pattern, words, db_types, days or flag; `choices` narrows names and words."""

    kind: str
    required: bool = True
    choices: tuple[str, ...] = ()
    since: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function. `build` makes its test; `evidence` tells what makes it true; `due` when the clock may change it."""

    label: str
    build: Callable[[Args], Test]
    evidence: Callable[[Args], Evidence]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    since: int = 4
    db_types: tuple[str, ...] = ()  # empty: all
    needs_document: bool = False
    due: Callable[[Args], Callable[[Subject], datetime | None]] | None = None


def of_evidence(evidence: Callable[[Args], Evidence]) -> Callable[[Args], Test]:
    """A test that is true as soon as there is evidence, and unknown when the evidence cannot be read."""

    def build(args: Args) -> Test:
        find = evidence(args)

        def test(subject: Subject) -> Truth:
            try:
                return True if next(find(subject), None) is not None else subject.absent
            except (AttributeError, KeyError, TypeError, ValueError):
                return None

        return test

    return build
