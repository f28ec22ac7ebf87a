"""Functions that answer from permission facts: capabilities, roles, privileges."""

from __future__ import annotations

from collections.abc import Iterator

from classification.dsl.patterns import compile_like
from classification.dsl.predicates import Args, Evidence, Test, Truth, of_evidence
from classification.dsl.subjects import SCOPES, Subject, both_forms, every_form, is_grantable

WAYS = ("own", "role", "public")


def has_capability(args: Args) -> Test:
    name = args["name"]
    if args.get("via"):
        return of_evidence(capability_evidence)(args)

    def test(subject: Subject) -> Truth:
        held = subject.capabilities
        if held is None:
            return None
        return True if name in held else subject.absent

    return test


def capability_evidence(args: Args) -> Evidence:
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


def superuser(args: Args) -> Test:
    return has_capability({"name": "SUPERUSER"})


def superuser_evidence(args: Args) -> Evidence:
    return capability_evidence({"name": "SUPERUSER"})


def has_role(args: Args) -> Test:
    name = args["name"]

    def test(subject: Subject) -> Truth:
        held = subject.roles
        if held is None:
            return None
        return True if name in held else subject.absent

    return test


def role_evidence(args: Args) -> Evidence:
    return lambda subject: iter((args["name"],))


def has_privilege(args: Args) -> Test:
    wanted, scope, database = every_form(args["name"]), args["scope"], args.get("database")

    def test(subject: Subject) -> Truth:
        places = subject.places(scope)
        if places is None:
            return None
        if database is not None:
            return subject.absent if wanted.isdisjoint(places.get(database, ())) else True
        return subject.absent if all(map(wanted.isdisjoint, places.values())) else True

    return test


def privilege_evidence(args: Args) -> Evidence:
    name, database = args["name"], args.get("database")

    def evidence(subject: Subject) -> Iterator[str]:
        for place, words in (subject.places(args["scope"]) or {}).items():
            if database is None or place == database:
                for word in words:
                    if name in both_forms([word]):
                        yield f"{word} ON {place}" if place else word

    return evidence


def member_of(args: Args) -> Evidence:
    matches = compile_like(args["role"])

    def evidence(subject: Subject) -> Iterator[str]:
        if subject.roles is None:
            raise ValueError("no roles")
        return (role for role in sorted(subject.roles) if matches(role))

    return evidence


def grant_option(args: Args) -> Evidence:
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


def escalation(args: Args) -> Evidence:
    def evidence(subject: Subject) -> Iterator[str]:
        found = subject.facts["meta"].get("escalation", [])
        if not isinstance(found, list):
            raise TypeError
        return iter(found)

    return evidence
