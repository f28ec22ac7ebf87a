"""What an expression is evaluated over: an account's columns, its facts, and its permission document when needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from classification.dsl.unread import ALL_READ, Place, Unread

FACTS_VERSION, DOCUMENT_VERSION = 2, 4
OPTIONS = (" WITH GRANT OPTION", " WITH ADMIN OPTION")
SCOPES: dict[str, tuple[str, ...]] = {  # has_privilege's scope: where the facts keep such privileges
    "global": ("global",),
    "server": ("server", "system"),
    "database": ("database",),
    "tablespace": ("tablespace",),
}


TEXT = frozenset({str})


class Account(NamedTuple):
    """The columns of an account that expressions may ask for."""

    id: int
    instance_id: int
    db_type: str
    username: str
    host: str
    kind: str
    is_active: bool
    is_system: bool
    is_locked: bool
    locked_until: datetime | None
    last_changed_at: datetime
    first_seen_at: datetime


class Subject:
    """One account, opened once for all rules. A part that is missing or malformed is None: nothing is known of it."""

    __slots__ = ("_places", "absent", "account", "capabilities", "document", "facts", "now", "roles", "unread")

    def __init__(
        self,
        account: Account,
        facts: Mapping[str, Any],
        now: datetime,
        document: Mapping[str, Any] | None = None,
        unread: Unread = ALL_READ,
    ) -> None:
        self.account = account
        self.facts: Mapping[str, Any] = facts if facts.get("version") == FACTS_VERSION else {}
        self.now = now
        self.document = document if document is not None and document.get("version") == DOCUMENT_VERSION else None
        self.unread = unread
        self.capabilities = _names(self.facts.get("capabilities"))
        self.roles = _names(self.facts.get("roles"))
        # What not to have been found means where everything was read: what facts with errors lack may be there.
        self.absent: bool | None = None if self.facts.get("errors") or not self.facts else False
        self._places: dict[str, Mapping[str, list[str]] | None] = {}

    def hiding(self, places: Iterable[Place]) -> Iterator[str]:
        """The scopes that were not read for this account and may hold what was not found in these places."""
        return self.unread.hiding(places, self.account.host, self.account.first_seen_at)

    def places(self, scope: str) -> Mapping[str, list[str]] | None:
        """{where: privileges as they are written} of a scope; None when the facts do not say."""
        if scope not in self._places:
            self._places[scope] = _places(self.facts.get("privileges"), SCOPES[scope])
        return self._places[scope]

    def reasons(self, capability: str) -> tuple[str, ...] | None:
        """How a capability comes about; None when the facts do not say."""
        reasons = self.facts.get("capability_reasons")
        held = reasons.get(capability, ()) if isinstance(reasons, Mapping) else None
        if not isinstance(held, list | tuple) or not all(isinstance(reason, str) for reason in held):
            return None
        return tuple(held)


def _places(privileges: Any, keys: Iterable[str]) -> Mapping[str, list[str]] | None:
    """What the lists and mappings of these keys hold; what is no list of texts makes all of it unknown."""
    if not isinstance(privileges, dict):
        return None
    found: dict[str, list[str]] = {}
    for key in keys:
        held = privileges.get(key)
        if isinstance(held, dict):
            found |= held
        elif isinstance(held, list):
            found[""] = found.get("", []) + held
        else:
            return None
    return found if all(map(are_texts, found.values())) else None


def both_forms(words: Iterable[str]) -> Iterable[str]:
    """Whoever may pass a privilege on has it: "SELECT WITH GRANT OPTION" is SELECT, too. A denial stays a denial."""
    for word in words:
        yield word
        for option in OPTIONS:
            if word.endswith(option):
                yield word.removesuffix(option)


def every_form(name: str) -> frozenset[str]:
    """What a privilege may be written as by whoever has it: both_forms() the other way around."""
    return frozenset((name, *(name + option for option in OPTIONS)))


def is_grantable(word: str) -> bool:
    """Whether a privilege may be passed on; MySQL's GRANT OPTION is a privilege of its own."""
    return word.endswith(OPTIONS) or word == "GRANT OPTION"


def _names(value: Any) -> frozenset[str] | None:
    return frozenset(value) if are_texts(value) else None


def are_texts(value: Any) -> bool:
    """Whether it is a list of texts; a text is none, although it can be read letter by letter."""
    return isinstance(value, list) and TEXT.issuperset(map(type, value))
