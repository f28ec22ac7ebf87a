"""What expressions mean by docs/classification.md, found by walking them. Slow, and independent of the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

UNKNOWN = 0.5  # Kleene's logic in numbers: 0 false, 1 true
PLACES = {"global": ["global"], "server": ["server", "system"], "database": ["database"], "tablespace": ["tablespace"]}


class Granted(NamedTuple):
    """Privileges on one object: where the document keeps them, and what they are on."""

    category: str
    key: str  # of the object in the document
    level: str
    database: str
    object: str
    words: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """All that is known of an account. Grants or owned objects that are None: their part cannot be read."""

    columns: dict[str, Any]
    facts: dict[str, Any]
    grants: list[Granted] | None
    owned: list[tuple[str, str]] | None
    now: datetime


def evaluate(node: dict[str, Any], about: About) -> float:
    """0, ½ or 1."""
    if "op" in node:
        values = [evaluate(arg, about) for arg in node["args"]]
        return {"AND": min(values), "OR": max(values), "NOT": 1 - values[0]}[node["op"]]
    fn, args = node["fn"], node.get("args", {})
    if fn in BY_COLUMNS:
        return float(BY_COLUMNS[fn](args, about.columns, about.now))
    found = BY_FACTS[fn](args, about)
    if found is None:
        return UNKNOWN
    # Facts with errors may lack something, but what they name is there.
    return 1 if found else UNKNOWN if about.facts["errors"] else 0


def like(pattern: str, name: str) -> bool:
    """LIKE by its definition."""
    if not pattern:
        return not name
    if pattern[0] == "%":
        return like(pattern[1:], name) or (bool(name) and like(pattern, name[1:]))
    if pattern[0] == "\\":
        return bool(name) and name[0] == pattern[1] and like(pattern[2:], name[1:])
    return bool(name) and pattern[0] in ("_", name[0]) and like(pattern[1:], name[1:])


BY_COLUMNS: dict[str, Any] = {
    "db_type_in": lambda args, columns, now: columns["db_type"] in args["types"],
    "kind_in": lambda args, columns, now: columns["kind"] in args["kinds"],
    "name_like": lambda args, columns, now: like(args["pattern"], columns["username"]),
    "host_like": lambda args, columns, now: like(args["pattern"], columns["host"]),
    "is_system": lambda args, columns, now: columns["is_system"],
    "is_locked": lambda args, columns, now: (
        columns["is_locked"] or (columns["locked_until"] is not None and columns["locked_until"] > now)
    ),
    "changed_within": lambda args, columns, now: now - columns["last_changed_at"] < timedelta(days=args["days"]),
}


def capability(args: dict[str, Any], about: About) -> list[str] | None:
    name, held, reasons = args["name"], about.facts["capabilities"], about.facts["capability_reasons"]
    if not are_texts(held) or ("via" in args and not isinstance(reasons, dict)):
        return None
    if name not in held:
        return []
    if "via" not in args:
        return [name]
    role, public = ("member of ", "inherits from "), ("PUBLIC", "public")
    way = {"role": role, "public": public, "own": role + public}[args["via"]]
    given = reasons.get(name) or [name]  # an attribute such as can_login is the account's own, without a reason
    return [one for one in given if one.startswith(way) is (args["via"] != "own")]


def are_texts(held: Any) -> bool:
    return isinstance(held, list) and all(isinstance(one, str) for one in held)


def roles(matches: Any) -> Any:
    def found(args: dict[str, Any], about: About) -> list[str] | None:
        held = about.facts["roles"]
        return [role for role in held if matches(args, role)] if are_texts(held) else None

    return found


def without_option(word: str) -> str:
    return word.removesuffix(" WITH GRANT OPTION").removesuffix(" WITH ADMIN OPTION")


def may_be_passed_on(word: str) -> bool:
    return word == "GRANT OPTION" or without_option(word) != word


def held_privileges(scope: str, about: About) -> list[tuple[str, str]] | None:
    """(where, word) of a scope."""
    privileges = about.facts["privileges"]
    if not isinstance(privileges, dict):
        return None
    found = []
    for place in PLACES[scope]:
        held = privileges[place]
        places = {"": held} if isinstance(held, list) else held
        found += [(where, word) for where, words in places.items() for word in words]
    return found


def privilege(args: dict[str, Any], about: About) -> list[str] | None:
    held = held_privileges(args["scope"], about)
    if held is None:
        return None
    wanted = [word for where, word in held if args.get("database", where) == where]
    return [word for word in wanted if args["name"] in (word, without_option(word))]


def grant_option(args: dict[str, Any], about: About) -> list[str] | None:
    scopes = [held_privileges(scope, about) for scope in ([args["scope"]] if "scope" in args else PLACES)]
    if None in scopes:
        return None
    words = [word for held in scopes for _, word in held or () if may_be_passed_on(word)]
    return [word for word in words if args.get("name", word) in (word, without_option(word))]


def object_privilege(args: dict[str, Any], about: About) -> list[str] | None:
    if about.grants is None:
        return None
    return [
        word
        for grant in about.grants
        if args.get("level", grant.level) == grant.level
        and like(args.get("object", "%"), grant.object)
        and like(args.get("database", "%"), grant.database)
        for word in grant.words
        if args["name"] in (word, without_option(word))
        and args.get("grantable", may_be_passed_on(word)) is may_be_passed_on(word)
    ]


def owns(args: dict[str, Any], about: About) -> list[str] | None:
    if about.owned is None or about.columns["db_type"] != "postgresql":  # no other kind is read for it
        return None
    wanted = (args.get("object", "%"), args.get("database", "%"))
    return [name for database, name in about.owned if like(wanted[0], name) and like(wanted[1], database)]


def escalation(args: dict[str, Any], about: About) -> list[str] | None:
    meta = about.facts["meta"]
    found = meta.get("escalation", []) if isinstance(meta, dict) else None
    return found if isinstance(found, list) else None


BY_FACTS: dict[str, Any] = {
    "is_superuser": lambda args, about: capability({"name": "SUPERUSER"}, about),
    "has_capability": capability,
    "has_role": roles(lambda args, role: args["name"] == role),
    "member_of": roles(lambda args, role: like(args["role"], role)),
    "has_privilege": privilege,
    "has_grant_option": grant_option,
    "has_object_privilege": object_privilege,
    "owns": owns,
    "can_escalate": escalation,
}
