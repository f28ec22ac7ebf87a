"""The functions that an expression may call: which arguments each takes, and how it answers.

Each answers True, False, or None when nobody can say. Functions since 5 are refused in expressions of version 4, so
that what a rule means never changes under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from accounts_sync.models import AccountKind
from classification.dsl import objects
from classification.dsl.patterns import compile_like
from classification.dsl.subjects import SCOPES, Subject, both_forms, is_grantable
from whalefall.errors import N_

Args = Mapping[str, Any]
Truth = bool | None
Test = Callable[[Subject], Truth]
Evidence = Callable[[Subject], Iterator[str]]

WAYS = ("own", "role", "public")
LOCKED = "LOCKED"
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


def _of_evidence(evidence: Callable[[Args], Evidence]) -> Callable[[Args], Test]:
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


# Over the facts: since 4 ------------------------------------------------------------------------------------------


def _db_type_in(args: Args) -> Test:
    types = frozenset(args["types"])
    return lambda subject: subject.account.db_type in types


def _db_type_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.db_type,))


def _has_capability(args: Args) -> Test:
    name = args["name"]
    if args.get("via"):
        return _of_evidence(_capability_evidence)(args)

    def test(subject: Subject) -> Truth:
        held = subject.capabilities
        if held is None:
            return None
        return True if name in held else subject.absent

    return test


def _capability_evidence(args: Args) -> Evidence:
    name, via = args["name"], args.get("via")

    def evidence(subject: Subject) -> Iterator[str]:
        if subject.capabilities is None:
            raise ValueError("no capabilities")
        reasons = subject.reasons(name)
        if reasons is None:
            if via is not None:
                raise ValueError("no reasons")
            reasons = ()
        if name in subject.capabilities:
            yield from (reason for reason in reasons or (name,) if via is None or _way(reason) == via)

    return evidence


def _way(reason: str) -> str:
    if reason.startswith(("member of ", "inherits from ")):
        return "role"
    return "public" if reason.upper().startswith("PUBLIC") else "own"


def _superuser(args: Args) -> Test:
    return _has_capability({"name": "SUPERUSER"})


def _superuser_evidence(args: Args) -> Evidence:
    return _capability_evidence({"name": "SUPERUSER"})


def _has_role(args: Args) -> Test:
    name = args["name"]

    def test(subject: Subject) -> Truth:
        held = subject.roles
        if held is None:
            return None
        return True if name in held else subject.absent

    return test


def _role_evidence(args: Args) -> Evidence:
    return lambda subject: iter((args["name"],))


def _has_privilege(args: Args) -> Test:
    name, scope, database = args["name"], args["scope"], args.get("database")

    def test(subject: Subject) -> Truth:
        held = subject.words(scope, database)
        if held is None:
            return None
        return True if name in held else subject.absent

    return test


def _privilege_evidence(args: Args) -> Evidence:
    name, database = args["name"], args.get("database")

    def evidence(subject: Subject) -> Iterator[str]:
        for place, words in (subject.places(args["scope"]) or {}).items():
            if database is None or place == database:
                for word in words:
                    if name in both_forms([word]):
                        yield f"{word} ON {place}" if place else word

    return evidence


# Over the facts: since 5 ------------------------------------------------------------------------------------------


def _member_of(args: Args) -> Evidence:
    matches = compile_like(args["role"])

    def evidence(subject: Subject) -> Iterator[str]:
        if subject.roles is None:
            raise ValueError("no roles")
        return (role for role in sorted(subject.roles) if matches(role))

    return evidence


def _grant_option(args: Args) -> Evidence:
    name = args.get("name")
    scopes = (args["scope"],) if args.get("scope") else tuple(SCOPES)

    def evidence(subject: Subject) -> Iterator[str]:
        for scope in scopes:
            places = subject.places(scope)
            if places is None:
                raise ValueError("no privileges")
            for place, words in places.items():
                for word in words:
                    if is_grantable(word) and (name is None or name in both_forms([word])):
                        yield f"{word} ON {place}" if place else word

    return evidence


def _escalation(args: Args) -> Evidence:
    def evidence(subject: Subject) -> Iterator[str]:
        found = subject.facts["meta"].get("escalation", [])
        if not isinstance(found, list):
            raise TypeError
        return iter(found)

    return evidence


# Over the permission document: since 5 ----------------------------------------------------------------------------


def _object_privilege(args: Args) -> Evidence:
    name, level, grantable = args["name"], args.get("level"), args.get("grantable")
    of_database = compile_like(args.get("database", "%"))
    of_object = compile_like(args.get("object", "%"))

    def evidence(subject: Subject) -> Iterator[str]:
        if subject.document is None:
            raise ValueError("no document")
        for grant in objects.grants(subject.document):
            if (level is None or grant.level == level) and of_database(grant.database) and of_object(grant.name):
                for word in grant.words:
                    if name in both_forms([word]) and (grantable is None or is_grantable(word) == grantable):
                        yield f"{word} ON {grant.level} {grant.name}"

    return evidence


def _owns(args: Args) -> Evidence:
    of_database = compile_like(args.get("database", "%"))
    of_object = compile_like(args.get("object", "%"))

    def evidence(subject: Subject) -> Iterator[str]:
        if subject.document is None:
            raise ValueError("no document")
        for database, name in objects.owned(subject.document):
            if of_database(database) and of_object(name):
                yield f"{name} IN {database}" if database else name

    return evidence


# Over columns: since 5 --------------------------------------------------------------------------------------------


def _kind_in(args: Args) -> Test:
    kinds = frozenset(args["kinds"])
    return lambda subject: subject.account.kind in kinds


def _kind_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.kind,))


def _name_like(args: Args) -> Test:
    matches = compile_like(args["pattern"])
    return lambda subject: matches(subject.account.username)


def _name_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.username,))


def _host_like(args: Args) -> Test:
    matches = compile_like(args["pattern"])
    return lambda subject: matches(subject.account.host)


def _host_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.host,))


def _is_system(args: Args) -> Test:
    return lambda subject: subject.account.is_system


def _system_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.username,))


def _is_locked(args: Args) -> Test:
    def test(subject: Subject) -> Truth:
        until = subject.account.locked_until
        return subject.account.is_locked or (until is not None and until > subject.now)

    return test


def _locked_evidence(args: Args) -> Evidence:
    def evidence(subject: Subject) -> Iterator[str]:
        yield from subject.reasons(LOCKED) or ()
        if subject.account.locked_until is not None:
            yield subject.account.locked_until.isoformat()

    return evidence


def _unlocked_at(args: Args) -> Callable[[Subject], datetime | None]:
    return lambda subject: subject.account.locked_until


def _changed_within(args: Args) -> Test:
    age = timedelta(days=args["days"])
    return lambda subject: subject.account.last_changed_at + age > subject.now


def _changed_evidence(args: Args) -> Evidence:
    return lambda subject: iter((subject.account.last_changed_at.isoformat(),))


def _aged_at(args: Args) -> Callable[[Subject], datetime | None]:
    age = timedelta(days=args["days"])
    return lambda subject: subject.account.last_changed_at + age


NAME, PATTERN = Parameter(kind="name"), Parameter(kind="pattern")
SOME_NAME, SOME_PATTERN = Parameter(kind="name", required=False), Parameter(kind="pattern", required=False)
SCOPE = Parameter(kind="name", choices=tuple(SCOPES))

FUNCTIONS: dict[str, Function] = {
    "db_type_in": Function(
        label=N_("Database kind is one of"),
        build=_db_type_in,
        evidence=_db_type_evidence,
        parameters={"types": Parameter(kind="db_types")},
    ),
    "is_superuser": Function(label=N_("Is a superuser"), build=_superuser, evidence=_superuser_evidence),
    "has_capability": Function(
        label=N_("Has the capability"),
        build=_has_capability,
        evidence=_capability_evidence,
        parameters={"name": NAME, "via": Parameter(kind="name", required=False, choices=WAYS, since=5)},
    ),
    "has_role": Function(label=N_("Has the role"), build=_has_role, evidence=_role_evidence, parameters={"name": NAME}),
    "has_privilege": Function(
        label=N_("Has the privilege"),
        build=_has_privilege,
        evidence=_privilege_evidence,
        parameters={"name": NAME, "scope": SCOPE, "database": SOME_NAME},
    ),
    "member_of": Function(
        label=N_("Reaches a role like"),
        since=5,
        build=_of_evidence(_member_of),
        evidence=_member_of,
        parameters={"role": PATTERN},
    ),
    "has_grant_option": Function(
        label=N_("May pass privileges on"),
        since=5,
        build=_of_evidence(_grant_option),
        evidence=_grant_option,
        parameters={"name": SOME_NAME, "scope": Parameter(kind="name", required=False, choices=tuple(SCOPES))},
    ),
    "can_escalate": Function(
        label=N_("Can gain more than it was given"),
        since=5,
        build=_of_evidence(_escalation),
        evidence=_escalation,
    ),
    "has_object_privilege": Function(
        label=N_("Has the privilege on an object"),
        since=5,
        needs_document=True,
        build=_of_evidence(_object_privilege),
        evidence=_object_privilege,
        parameters={
            "name": NAME,
            "level": Parameter(kind="name", required=False, choices=objects.LEVELS),
            "object": SOME_PATTERN,
            "database": SOME_PATTERN,
            "grantable": Parameter(kind="flag", required=False),
        },
    ),
    "owns": Function(
        label=N_("Owns an object"),
        since=5,
        db_types=("postgresql",),
        needs_document=True,
        build=_of_evidence(_owns),
        evidence=_owns,
        parameters={"object": SOME_PATTERN, "database": SOME_PATTERN},
    ),
    "kind_in": Function(
        label=N_("Is one of"),
        since=5,
        build=_kind_in,
        evidence=_kind_evidence,
        parameters={"kinds": Parameter(kind="words", choices=tuple(AccountKind.values))},
    ),
    "name_like": Function(
        label=N_("Has a name like"),
        since=5,
        build=_name_like,
        evidence=_name_evidence,
        parameters={"pattern": PATTERN},
    ),
    "host_like": Function(
        label=N_("Has a host like"),
        since=5,
        build=_host_like,
        evidence=_host_evidence,
        parameters={"pattern": PATTERN},
    ),
    "is_system": Function(label=N_("Is the server's own"), since=5, build=_is_system, evidence=_system_evidence),
    "is_locked": Function(
        label=N_("Is locked now"), since=5, build=_is_locked, evidence=_locked_evidence, due=_unlocked_at
    ),
    "changed_within": Function(
        label=N_("Changed within the last days"),
        since=5,
        build=_changed_within,
        evidence=_changed_evidence,
        parameters={"days": Parameter(kind="days")},
        due=_aged_at,
    ),
}
