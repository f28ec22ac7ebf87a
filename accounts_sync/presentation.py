"""Stored documents as a person reads them: sections, rows and sentences. Pure functions; templates only lay them out.

Driven by the shapes of the values like `changes`, so that a new category needs no line here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext

from accounts_sync import labels
from accounts_sync.changes import is_compared
from dbms.snapshots import EACH_DATABASE, SERVER, canonical_text, is_database_scope, split
from whalefall.messages import translated

UNLIMITED = {("connection_limit", -1)}  # values that say nothing
NAMED, NAMED_LENGTH = 2, 120  # so many changed attributes are named in a sentence, if they are short
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedPrivilege:
    """One line of a change: GRANT, REVOKE or ALTER of words on an object."""

    action: str
    category: str
    object: str
    words: tuple[str, ...]
    before: tuple[str, ...]
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedAttribute:
    """One attribute before and after."""

    title: str
    before: str
    after: str
    note: str


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
            shown = _of_database(value) if scopes.get(category) == EACH_DATABASE else value
            matches = meta.get("matches", {}).get(scope, {})
            section = _section(scope, category, shown, _counts(meta, category, name or scope), matches)
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


def changed_privileges(diff: Mapping[str, Any]) -> list[ChangedPrivilege]:
    """The lines of a privilege_diff."""
    return [
        ChangedPrivilege(
            action=entry["action"],
            category=gettext(entry["label"]),
            object=entry["object"],
            words=(*_words(entry["permissions"], entry["field"]), *_options(entry.get("options", {}))),
            before=tuple(_words(entry.get("before", ()), entry["field"])),
            count=entry.get("count", 1),
            reason=_reason(entry.get("reason", "")),
        )
        for entry in diff.get("entries", ())
    ]


def changed_attributes(diff: Mapping[str, Any]) -> list[ChangedAttribute]:
    """The lines of an other_diff."""
    return [
        ChangedAttribute(
            title=gettext(entry["label"]).removeprefix("type_specific."),
            before=_value(entry["before"]),
            after=_value(entry["after"]),
            note=_reason(entry["description"]),
        )
        for entry in diff.get("entries", ())
    ]


def sentence(change_type: str, account: str, privilege_diff: Mapping[str, Any], other_diff: Mapping[str, Any]) -> str:
    """A change in one sentence, with its counts, in the reader's language."""
    counted = {"GRANT": 0, "REVOKE": 0, "ALTER": 0}
    for entry in privilege_diff.get("entries", ()):
        counted[entry["action"]] += entry.get("count", 1)
    changed = changed_attributes(other_diff)
    others, truncated = len(changed), privilege_diff.get("truncated", 0)
    named = ", ".join(f"{line.title} ({line.before} → {line.after})" for line in changed)
    counts = [
        ngettext("{count} grant", "{count} grants", counted["GRANT"]).format(count=counted["GRANT"]),
        ngettext("{count} revocation", "{count} revocations", counted["REVOKE"]).format(count=counted["REVOKE"]),
        ngettext("{count} alteration", "{count} alterations", counted["ALTER"]).format(count=counted["ALTER"]),
        named
        if others <= NAMED and len(named) <= NAMED_LENGTH
        else ngettext("{count} attribute", "{count} attributes", others).format(count=others),
        ngettext("{count} further change", "{count} further changes", truncated).format(count=truncated),
    ]
    numbers = (*counted.values(), others, truncated)
    said = ", ".join(text for text, number in zip(counts, numbers, strict=True) if number)
    text = gettext(labels.SENTENCES.get(change_type, "{account}")).format(account=account)
    return gettext("{sentence}: {counts}").format(sentence=text, counts=said) if said else text


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
                yield Row(object=str(item.get("role", path)), words=tuple(_options(options)))


def _attributes(held: Mapping[str, Any]) -> Iterator[str]:
    """Attributes that hold, by their names, and values with theirs."""
    for key, value in held.items():
        title = gettext(labels.attribute(key))
        if value is True:
            yield title
        elif value is not False and value is not None and (key, value) not in UNLIMITED:
            yield f"{title}: {_value(value)}"


def _options(options: Mapping[str, Any]) -> Iterator[str]:
    """Options of a membership: those that hold by name, the others as missing."""
    for key, value in options.items():
        if isinstance(value, bool):
            yield key if value else gettext("no {option}").format(option=key)
        else:
            yield f"{key}: {_value(value)}"


def _words(permissions: Iterable[str], field: str) -> Sequence[str]:
    """Privileges in their server's words; attributes by their titles."""
    if not field.endswith("_attributes"):
        return list(permissions)
    words = []
    for permission in permissions:
        name, equals, value = permission.partition("=")
        words.append(gettext(labels.CAPABILITIES.get(name, name)) + (f": {value}" if equals else ""))
    return words


def _way(reason: str) -> str:
    """How a capability comes about; paths of roles stay as they are."""
    for beginning, text in labels.WAYS.items():
        if reason.startswith(beginning):
            return gettext(text).format(path=reason.removeprefix(beginning))
    return translated(reason)


def _reason(text: str) -> str:
    return gettext(labels.REASONS[text]) if text in labels.REASONS else text


def _value(value: Any) -> str:
    """A stored value: times in the reader's zone, truth as words, nothing as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, str):
        moment = parse_datetime(value) if len(value) >= 19 and value[4] == "-" else None
        return date_format(localtime(moment), "DATETIME_FORMAT") if moment and moment.tzinfo else value
    return str(value) if isinstance(value, int | float) else canonical_text(value)


def _rank(category: str) -> tuple[int, str]:
    """The order of the label table, unknown categories last."""
    order = list(labels.CATEGORIES)
    return (order.index(category) if category in labels.CATEGORIES else len(order), category)
