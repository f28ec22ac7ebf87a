"""Functions that answer from an account's columns; they nearly always know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from classification.dsl.patterns import compile_like
from classification.dsl.predicates import Args, Evidence, Places, Test, Truth
from classification.dsl.subjects import Subject
from classification.dsl.unread import Place

LOCKED = "LOCKED"


def db_type_in(args: Args) -> Test:
    types = frozenset(args["types"])
    return lambda subject: subject.account.db_type in types


def db_type_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.db_type,))


def kind_in(args: Args) -> Test:
    kinds = frozenset(args["kinds"])
    return lambda subject: subject.account.kind in kinds


def kind_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.kind,))


def name_like(args: Args) -> Test:
    matches = compile_like(args["pattern"])
    return lambda subject: matches(subject.account.username)


def name_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.username,))


def host_like(args: Args) -> Test:
    matches = compile_like(args["pattern"])
    return lambda subject: matches(subject.account.host)


def host_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.host,))


def is_system(args: Args) -> Test:
    return lambda subject: subject.account.is_system


def system_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.username,))


def is_locked(args: Args) -> Test:
    where = lock_places(args)

    def test(subject: Subject) -> Truth:
        until = subject.account.locked_until
        if subject.account.is_locked or (until is not None and until > subject.now):
            return True
        return None if any(subject.hiding(where)) else False

    return test


def lock_places(args: Args) -> Places:
    return (Place(part=f"capabilities.{LOCKED}"),)


def locked_evidence(args: Args) -> Evidence:
    def evidence(subject: Subject) -> Iterator[str]:
        yield from subject.reasons(LOCKED) or ()
        if subject.account.locked_until is not None:
            yield subject.account.locked_until.isoformat()

    return evidence


def unlocked_at(args: Args) -> Callable[[Subject], datetime | None]:
    return lambda subject: subject.account.locked_until


def changed_within(args: Args) -> Test:
    age = timedelta(days=args["days"])
    return lambda subject: subject.account.last_changed_at + age > subject.now


def changed_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.last_changed_at.isoformat(),))


def aged_at(args: Args) -> Callable[[Subject], datetime | None]:
    age = timedelta(days=args["days"])
    return lambda subject: subject.account.last_changed_at + age
