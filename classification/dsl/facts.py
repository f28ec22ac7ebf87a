"""Functions that answer from permission facts: capabilities, roles, privileges."""

from __future__ import annotations

from collections.abc import Iterator

from classification.dsl.patterns import compile_like, may_begin
from classification.dsl.predicates import Args, Evidence, Places, Test, Truth, missing, of_evidence
from classification.dsl.subjects import SCOPES, Subject, are_texts, both_forms, every_form, is_grantable
from classification.dsl.unread import Matches, Place

WAYS = ("own", "role", "public")
SUPERUSER = {"name": "SUPERUSER"}
BRACKETS = str.maketrans("", "", "[]")


def has_capability(args: Args) -> Test:
    name, where = args["name"], capability_places(args)
    if args.get("via"):
        return of_evidence(capability_evidence, capability_places)(args)

    def test(subject: Subject) -> Truth:
        held = subject.capabilities
        if held is None:
            return None
        return True if name in held else missing(subject, where)

    return test


def capability_places(args: Args) -> Places:
    return (Place(part=f"capabilities.{args['name']}"),)


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
    return has_capability(SUPERUSER)


def superuser_evidence(args: Args) -> Evidence:
    return capability_evidence(SUPERUSER)


def superuser_places(args: Args) -> Places:
    return capability_places(SUPERUSER)


def has_role(args: Args) -> Test:
    name, where = args["name"], role_places(args)

    def test(subject: Subject) -> Truth:
        held = subject.roles
        if held is None:
            return None
        return True if name in held else missing(subject, where)

    return test


def role_places(args: Args) -> Places:
    name = args["name"].translate(BRACKETS)
    return Place(part="roles"), Place(
        part="database_roles", in_database=lambda database: name.startswith(_of_database(database))
    )


def role_evidence(args: Args) -> Evidence:
    return lambda subject: iter((args["name"],))


def has_privilege(args: Args) -> Test:
    wanted, scope, database = every_form(args["name"]), args["scope"], args.get("database")
    where = privilege_places(args)

    def test(subject: Subject) -> Truth:
        places = subject.places(scope)
        if places is None:
            return None
        if database is not None:
            return missing(subject, where) if wanted.isdisjoint(places.get(database, ())) else True
        return missing(subject, where) if all(map(wanted.isdisjoint, places.values())) else True

    return test


def privilege_places(args: Args) -> Places:
    database = args.get("database")
    is_asked: Matches | None = None if database is None else database.__eq__
    return (Place(part=f"privileges.{args['scope']}", in_database=is_asked),)


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


def member_places(args: Args) -> Places:
    pattern = args["role"].translate(BRACKETS)
    return Place(part="roles"), Place(
        part="database_roles", in_database=lambda database: may_begin(pattern, _of_database(database))
    )


def _of_database(database: str) -> str:
    """What the roles of a database begin with, brackets aside: shop.db_owner, [my shop].db_owner."""
    return f"{database.translate(BRACKETS)}."


def grant_option(args: Args) -> Evidence:
    name, scopes = args.get("name"), _scopes(args)

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


def grant_option_places(args: Args) -> Places:
    return tuple(Place(part=f"privileges.{scope}") for scope in _scopes(args))


def _scopes(args: Args) -> tuple[str, ...]:
    return (args["scope"],) if args.get("scope") else tuple(SCOPES)


def escalation(args: Args) -> Evidence:
    def evidence(subject: Subject) -> Iterator[str]:
        found = subject.facts["meta"].get("escalation", [])
        if not are_texts(found):
            raise TypeError
        return iter(found)

    return evidence


def escalation_places(args: Args) -> Places:
    return (Place(part="escalation"),)
