"""The difference of two permission documents, as entries that a person and a program can read.

Driven by the shapes of the values, not by the names of the categories: a list of words is a set of privileges, a list
of mappings with a `role` is a set of memberships, a mapping leads to more of these, and its plain values are
attributes. Only where a category names what was taken away, a new word is a REVOKE and a vanished one a GRANT. Nothing
here depends on a language: words are the server's own, labels are English sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from accounts_sync import labels
from dbms.snapshots import canonical_text

Action = Literal["GRANT", "REVOKE", "ALTER"]
Entry = dict[str, Any]
Path = tuple[str, ...]

GROUP_FROM = 20  # so many equal changes in one schema are still told apart
ENTRIES_MAX = 500
# Shown, never compared: CREATE TABLE is no privilege change, and a member's own account says what it was granted.
SHOWN_SUFFIXES = ("_owned", "_role_members")
TAKEN_AWAY_SUFFIXES = ("_default_revoked", "_restrictions")  # what stands there may not be done
ROLES_SUFFIX, GRANTED = "_granted_roles", ("direct",)
TURNED: dict[Action, Action] = {"GRANT": "REVOKE", "REVOKE": "GRANT", "ALTER": "ALTER"}

# "relation:s" of "relation:s.t", with s quoted as its server quotes.
SCHEMA = re.compile(r'(?:[a-z]+:)?(?:"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\]|`(?:[^`]|``)*`|[^.:"\[`]+)(?=\.)')


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivilegeChange:
    """What was granted, revoked or altered at one place of a category.

    An ALTER writes its permissions as "name=value" in JSON, and the earlier ones in `before`.
    """

    category: str
    path: Path = ()
    action: Action
    permissions: tuple[str, ...]
    before: tuple[str, ...] = ()
    options: Mapping[str, Any] | None = None  # of a granted membership
    reason: str = ""

    @property
    def object(self) -> str:
        """ "db: relation:s.t" for the path ("db", "relation:s.t"); the key "" stands for the server itself."""
        if self.category.endswith(ROLES_SUFFIX) and self.path == GRANTED:
            return ""  # a granted role is what everybody expects there; how else it is held says the object
        return _written(self.path)

    @property
    def group(self) -> tuple[Any, ...] | None:
        """Equal for changes that differ in the object within one schema only; None outside of schemas."""
        schema = SCHEMA.match(self.path[-1]) if self.path and self.action != "ALTER" else None
        if schema is None:
            return None
        return (self.category, self.action, self.permissions, self.reason, self.path[:-1], schema[0])


def privilege_changes(
    before: Mapping[str, Any], after: Mapping[str, Any], *, reason: str = ""
) -> Iterator[PrivilegeChange]:
    """What differs between two `categories` documents, in a stable order."""
    for category in sorted(before.keys() | after.keys()):
        if is_compared(category):
            is_turned = category.endswith(TAKEN_AWAY_SUFFIXES)
            for path, fields in _differences(before.get(category), after.get(category), ()):
                change = PrivilegeChange(category=category, path=path, reason=reason, **fields)
                yield replace(change, action=TURNED[change.action]) if is_turned else change


def is_compared(category: str) -> bool:
    """Whether a difference in this category is a change of privileges."""
    return not category.endswith(SHOWN_SUFFIXES)


def privilege_document(changes: Iterable[PrivilegeChange]) -> dict[str, Any]:
    """The stored form: more than GROUP_FROM equal changes in a schema are one entry with a `count`, and beyond
    ENTRIES_MAX entries the further changes are only counted.

    Holds no more than it may store, because two documents can differ in 200,000 objects.
    """
    groups: dict[tuple[Any, ...], list[PrivilegeChange]] = {}
    counts: dict[tuple[Any, ...], int] = {}
    truncated = 0
    for number, change in enumerate(changes):
        key = change.group or (number,)
        if key not in groups and len(groups) >= ENTRIES_MAX:
            truncated += 1
            continue
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= GROUP_FROM:
            groups.setdefault(key, []).append(change)
    weighted: list[tuple[Entry, int]] = []
    for key, held in groups.items():
        if counts[key] > GROUP_FROM:
            path, schema = key[-2:]
            grouped = {"object": _written((*path, f"{schema}.*")), "count": counts[key]}
            weighted.append(({**_entry(held[0]), **grouped}, counts[key]))
        else:
            weighted.extend((_entry(change), 1) for change in held)
    truncated += sum(weight for _, weight in weighted[ENTRIES_MAX:])
    entries = [entry for entry, _ in weighted[:ENTRIES_MAX]]
    return {"version": 1, "entries": entries, **({"truncated": truncated} if truncated else {})}


def other_entry(field: str, before: Any, after: Any, *, description: str = "") -> Entry:
    """One attribute that is no privilege and has changed."""
    return {
        "field": field,
        "label": labels.field(field),
        "before": _plain(before),
        "after": _plain(after),
        "description": description,
    }


def other_document(entries: Iterable[Entry]) -> dict[str, Any]:
    """The stored form of changed attributes."""
    return {"version": 1, "entries": list(entries)}


def _entry(change: PrivilegeChange) -> Entry:
    entry: Entry = {
        "field": change.category,
        "label": labels.category(change.category),
        "object": change.object,
        "action": change.action,
        "permissions": list(change.permissions),
    }
    if change.before:
        entry["before"] = list(change.before)
    if change.options:
        entry["options"] = dict(change.options)
    if change.reason:
        entry["reason"] = change.reason
    return entry


Difference = tuple[Path, dict[str, Any]]


def _differences(before: Any, after: Any, path: Path) -> Iterator[Difference]:
    """(path, action and what belongs to it) of one value; None stands for an absent one."""
    if before == after:
        return
    if before and after and isinstance(before, Mapping) != isinstance(after, Mapping):
        yield from _differences(before, None, path)  # another shape: all of it is taken, then given
        yield from _differences(None, after, path)
    elif isinstance(before or after, Mapping):
        yield from _in_mappings(before or {}, after or {}, path)
    elif any(isinstance(item, Mapping) for item in (*(before or ()), *(after or ()))):
        yield from _in_memberships(_by_role(before or ()), _by_role(after or ()), path)
    else:
        yield from _in_words({_word(item) for item in before or ()}, {_word(item) for item in after or ()}, path)


def _in_words(before: set[str], after: set[str], path: Path) -> Iterator[Difference]:
    if granted := after - before:
        yield path, {"action": "GRANT", "permissions": tuple(sorted(granted))}
    if revoked := before - after:
        yield path, {"action": "REVOKE", "permissions": tuple(sorted(revoked))}


def _in_memberships(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]], path: Path
) -> Iterator[Difference]:
    for role in sorted(after.keys() - before.keys()):
        yield path, {"action": "GRANT", "permissions": (role,), "options": after[role]}
    if revoked := before.keys() - after.keys():
        yield path, {"action": "REVOKE", "permissions": tuple(sorted(revoked))}
    for role in sorted(before.keys() & after.keys()):
        if before[role] != after[role]:
            yield (*path, role), _altered(before[role], after[role])


def _in_mappings(before: Mapping[str, Any], after: Mapping[str, Any], path: Path) -> Iterator[Difference]:
    flags: dict[str, list[str]] = {"GRANT": [], "REVOKE": []}
    old_values: dict[str, Any] = {}
    new_values: dict[str, Any] = {}
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if isinstance(old, Mapping | list | tuple) or isinstance(new, Mapping | list | tuple):
            yield from _differences(old, new, (*path, key))
        elif isinstance(old, bool) or isinstance(new, bool):
            if bool(old) != bool(new):
                flags["GRANT" if new else "REVOKE"].append(key)
        elif old != new and key in before and key in after:  # a first value alters nothing
            old_values[key], new_values[key] = old, new
    for action, names in flags.items():
        if names:
            yield path, {"action": action, "permissions": tuple(names)}
    if old_values:
        yield path, _altered(old_values, new_values)


def _altered(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    then, now = (
        tuple(f"{name}={canonical_text(values[name])}" for name in names if name in values)
        for values in (before, after)
    )
    return {"action": "ALTER", "permissions": now, "before": then}


def _by_role(items: Iterable[Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for item in items:
        if isinstance(item, Mapping) and "role" in item:
            found[str(item["role"])] = {key: value for key, value in item.items() if key != "role"}
        else:
            found[_word(item)] = {}
    return found


def _word(item: Any) -> str:
    return item if isinstance(item, str) else canonical_text(item)


def _written(path: Path) -> str:
    if len(path) < 2:
        return "".join(path)
    database, rest = path[0], ":".join(path[1:])
    return f"{database}: {rest}" if database else rest


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
