"""A change of an account: its lines, and one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext

from accounts_sync import labels
from accounts_sync.presentation.values import options_shown, shown

NAMED, NAMED_LENGTH = 2, 120  # so many changed attributes are named in a sentence, if they are short


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


def changed_privileges(diff: Mapping[str, Any]) -> list[ChangedPrivilege]:
    """The lines of a privilege_diff."""
    return [
        ChangedPrivilege(
            action=entry["action"],
            category=gettext(entry["label"]),
            object=entry["object"],
            words=(*_words(entry["permissions"], entry["field"]), *options_shown(entry.get("options", {}))),
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
            before=shown(entry["before"]),
            after=shown(entry["after"]),
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


def _words(permissions: Iterable[str], field: str) -> Sequence[str]:
    """Privileges in their server's words; attributes by their titles."""
    if not field.endswith("_attributes"):
        return list(permissions)
    words = []
    for permission in permissions:
        name, equals, value = permission.partition("=")
        words.append(gettext(labels.CAPABILITIES.get(name, name)) + (f": {value}" if equals else ""))
    return words


def _reason(text: str) -> str:
    return gettext(labels.REASONS[text]) if text in labels.REASONS else text
