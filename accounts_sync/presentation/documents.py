"""A permission document and its facts: scopes, sections and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext

from accounts_sync import labels
from accounts_sync.changes import is_compared
from accounts_sync.presentation.values import options_shown, shown
from dbms.snapshots import EACH_DATABASE, EACH_PDB, SERVER, is_database_scope, split
from whalefall.messages import translated

UNLIMITED = {("connection_limit", -1)}  # values that say nothing
ATTRIBUTES = "type_specific"
ROLE_LISTS_SUFFIXES = ("_granted_roles", "_role_members")
PATTERNS_SUFFIX = "_database_privileges"  # the keys of such a category may be patterns
ROWS_SHOWN = 200  # of one section; a page is for reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a section: on what, which words, and what a pattern in the object's name reaches."""

    object: str
    words: tuple[str, ...]
    reached: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One category within one scope. `hidden` rows are only counted."""

    scope: str
    key: str
    title: str
    rows: tuple[Row, ...]
    hidden: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeView:
    """Everything that an account may do on the server, whose `name` is empty, or in one database."""

    scope: str
    name: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """A fact about an account and how it comes about."""

    key: str
    title: str
    reasons: tuple[str, ...]


def scope_views(document: Mapping[str, Any], scopes: Mapping[str, str]) -> list[ScopeView]:
    """A permission_snapshot, the server first and then its databases by name. Empty sections are left out.

    A category with a scope of its own is a section of the server. `scopes` as in `dbms.snapshots.split()`.
    """
    meta = document.get("meta", {})
    sections: dict[str, list[Section]] = {}
    for scope, part in split(document.get("categories", {}), scopes).items():
        home = scope if is_database_scope(scope) else SERVER
        name = "" if home == SERVER else scope.partition(":")[2]
        for category, value in part.items():
            held = _of_database(value) if scopes.get(category) in (EACH_DATABASE, EACH_PDB) else value
            matches = meta.get("matches", {}).get(scope, {})
            section = _section(scope, category, held, _counts(meta, category, name or scope), matches)
            if section.rows:
                sections.setdefault(home, []).append(section)
    attributes = {key: held for key, held in document.get("type_specific", {}).items() if key not in labels.FIELDS}
    section = _section(SERVER, ATTRIBUTES, attributes, {}, {})
    if section.rows:
        sections.setdefault(SERVER, []).append(section)
    return [
        ScopeView(
            scope=home,
            name="" if home == SERVER else home.partition(":")[2],
            sections=tuple(sorted(found, key=lambda section: _rank(section.key))),
        )
        for home, found in sorted(sections.items(), key=lambda item: (item[0] != SERVER, item[0]))
    ]


def capabilities(facts: Mapping[str, Any]) -> list[Capability]:
    """What the facts say, each with its reasons; a path of roles reads "role → role"."""
    reasons = dict(facts.get("capability_reasons", {}))
    keys = list(facts.get("capabilities", ()))
    if escalation := facts.get("meta", {}).get("escalation"):
        keys, reasons["escalation"] = ["escalation", *keys], escalation
    return [
        Capability(
            key=key,
            title=gettext(labels.CAPABILITIES.get(key, key)),
            reasons=tuple(_way(reason) for reason in reasons.get(key, ())),
        )
        for key in keys
        if key.isupper() or key in reasons  # plain attributes stand with the privileges
    ]


def _of_database(value: Any) -> Any:
    """What {database: …} of one database holds."""
    return next(iter(value.values()), None) if isinstance(value, Mapping) else value


def _counts(meta: Mapping[str, Any], category: str, database: str) -> Mapping[str, Any]:
    """How many objects stand behind the "relation:s.*" of a category: {object: number or {privilege: number}}."""
    held: Mapping[str, Any] = meta.get("summarised" if is_compared(category) else "owned_counts", {}).get(database, {})
    return held


def _section(
    scope: str, category: str, value: Any, counts: Mapping[str, Any], matches: Mapping[str, Mapping[str, Any]]
) -> Section:
    if category == ATTRIBUTES:
        value = {gettext(labels.attribute(key)) if isinstance(held, list | Mapping) else key: held
                 for key, held in value.items()}  # fmt: skip
    elif category.endswith(ROLE_LISTS_SUFFIXES):
        value = {gettext(labels.ROLE_LISTS.get(key, key)): held for key, held in value.items()}
    rows = [_counted(row, counts) for row in _rows(value, "")]
    if category.endswith(PATTERNS_SUFFIX):
        rows = [replace(row, reached=_reached(matches[row.object])) if row.object in matches else row for row in rows]
    return Section(
        scope=scope,
        key=category,
        title=gettext(labels.category(category)),
        rows=tuple(rows[:ROWS_SHOWN]),
        hidden=max(0, len(rows) - ROWS_SHOWN),
    )


def _reached(match: Mapping[str, Any]) -> str:
    """The databases that a pattern matches, by name as far as they are named."""
    names, count = list(match["databases"]), match["count"]
    if not count:
        return gettext("matches no database")
    further = [gettext("{count} more").format(count=count - len(names))] if count > len(names) else []
    return gettext("matches {databases}").format(databases=", ".join([*names, *further]))


def _counted(row: Row, counts: Mapping[str, Any]) -> Row:
    held = counts.get(row.object, {}) if row.object else counts
    if not held:
        return row
    return Row(object=row.object, words=tuple(f"{word} × {held[word]}" if word in held else word for word in row.words))


def _rows(value: Any, path: str) -> Iterator[Row]:
    if isinstance(value, Mapping):
        attributes = {key: held for key, held in value.items() if not isinstance(held, Mapping | list | tuple)}
        if words := tuple(_attributes(attributes)):
            yield Row(object=path, words=words)
        for key in sorted(value.keys() - attributes.keys()):
            yield from _rows(value[key], f"{path}: {key}" if path else key)
    elif isinstance(value, list | tuple):
        words = tuple(item for item in value if isinstance(item, str))
        if words:
            yield Row(object=path, words=words)
        for item in value:
            if isinstance(item, Mapping):
                options = {key: held for key, held in item.items() if key != "role"}
                yield Row(object=str(item.get("role", path)), words=tuple(options_shown(options)))


def _attributes(held: Mapping[str, Any]) -> Iterator[str]:
    """Attributes that hold, by their names, and values with theirs."""
    for key, value in held.items():
        title = gettext(labels.attribute(key))
        if value is True:
            yield title
        elif value is not False and value is not None and (key, value) not in UNLIMITED:
            yield f"{title}: {shown(value)}"


def _way(reason: str) -> str:
    """How a capability comes about; paths of roles stay as they are."""
    for beginning, text in labels.WAYS.items():
        if reason.startswith(beginning):
            return gettext(text).format(path=reason.removeprefix(beginning))
    return translated(reason)


def _rank(category: str) -> tuple[int, str]:
    """The order of the label table, unknown categories last."""
    order = list(labels.CATEGORIES)
    return (order.index(category) if category in labels.CATEGORIES else len(order), category)
