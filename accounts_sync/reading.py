"""One read of an instance, and what it makes of each account. Pure: no query here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from accounts_sync.changes import (
    Entry,
    PrivilegeChange,
    other_document,
    other_entry,
    privilege_changes,
    privilege_document,
)
from accounts_sync.models import ChangeType
from accounts_sync.rows import AccountUpdate
from accounts_sync.scopes import Scopes
from accounts_sync.stored import INCOMPARABLE, SETTINGS, Key, StoredAccount
from dbms.base import Adapter
from dbms.snapshots import (
    LOCKS,
    SERVER,
    AccountSnapshot,
    Reach,
    database_scope,
    digest,
    document,
    fingerprint,
    split,
)

Parts = Mapping[str, Mapping[str, Any]]
SUPERUSER = "SUPERUSER"
DATABASE_DROPPED, RECREATED = "database_dropped", "recreated"  # words for labels.REASONS
FACTS_DUE = 0  # a facts_version that no adapter has: the next whole read builds the facts anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read of an instance, with all that is needed to decide about its accounts."""

    adapter: Adapter
    scopes: Scopes
    reaches: Mapping[Key, Reach]
    reach_digests: Mapping[Key, str]

    @classmethod
    def of(cls, adapter: Adapter, scopes: Scopes, accounts: Sequence[AccountSnapshot]) -> Reading:
        """Resolves roles over all accounts, once; without the server scope nothing is known of roles."""
        reaches = adapter.reach(accounts) if scopes.is_server_read else {}
        return cls(
            adapter=adapter,
            scopes=scopes,
            reaches=reaches,
            reach_digests={
                key: _reach_digest(reach.roles, tuple(sorted(reach.capability_reasons.items())))
                for key, reach in reaches.items()
            },
        )

    def is_due(self, seen: AccountSnapshot, before: StoredAccount | None) -> bool:
        """Whether anything has to be written for this account."""
        if before is None or not before.is_active or before.fingerprint is None:
            return True
        if seen.owned_digest != before.owned_digest:
            return True
        if seen.digests != before.digests and self._digests(seen, before.digests) != before.digests:
            return True
        return self.scopes.is_server_read and (
            (before.reader_version, before.facts_version) != self._versions
            or before.reach_digest != self.reach_digests.get(seen.key, "")
            or any(getattr(before, name) != getattr(seen, name) for name in SETTINGS)
        )

    def needs_document(self, seen: AccountSnapshot, before: StoredAccount) -> bool:
        """Whether the stored document is needed: to compare with, or to keep a part of."""
        return (
            not self.scopes.is_server_read
            or any(self.scopes.keeps(scope) for scope in self.scopes.ledger)
            or self._digests(seen, before.digests) != before.digests
        )

    def update(
        self,
        seen: AccountSnapshot,
        before: StoredAccount | None,
        stored: tuple[dict[str, Any], dict[str, Any]] | None,
    ) -> AccountUpdate:
        """What the account shall be, and the change that leads there. `stored` is its old document and facts."""
        old_document, old_facts = stored or ({}, {})
        is_known = old_document.get("version") == 4
        old_parts = split(old_document["categories"], self.adapter.category_scopes) if is_known else {}
        old_digests = before.digests if before is not None and (is_known or stored is None) else {}
        now = self._covered(seen, old_document)
        is_same = before is not None and is_same_account(seen, before)
        kept = [part for scope, part in old_parts.items() if self.scopes.keeps(scope)] if is_same else []
        new_document = document(now, kept)
        new_document["meta"] = self._meta(old_document.get("meta", {}) if is_same else {}, new_document["meta"])
        new_digests = self._digests(seen, old_digests if is_same else {})

        if self.scopes.is_server_read or before is None:
            facts = self._facts(seen.key, new_document)
            is_superuser = SUPERUSER in facts["capabilities"]
            versions = self._versions
        else:  # of roles and attributes nothing is known, so everything that follows from them stays
            facts, is_superuser = old_facts, before.is_superuser
            versions = (before.reader_version or INCOMPARABLE, FACTS_DUE)

        privileges: Iterator[PrivilegeChange] = iter(())
        others: list[Entry] = []
        is_baseline = before is None and self.scopes.home(seen.host) not in self.scopes.comparable
        if before is None and not is_baseline:  # a baseline's document says it all; a diff would only store it twice
            privileges = (change for scope in _ordered(now.parts) for change in privilege_changes({}, now.parts[scope]))
            others = [_superuser_entry(None, facts)] if is_superuser else []
        elif before is not None and before.fingerprint is not None:
            if is_known and before.reader_version != INCOMPARABLE:
                privileges = self._privileges(old_parts, now.parts, old_digests, new_digests)
            others = list(self._others(seen, before, old_document, facts, is_superuser))
        privilege_diff = privilege_document(privileges)
        return AccountUpdate(
            seen=seen,
            before=before,
            change=_change(before, privilege_diff, others),
            is_baseline=is_baseline,
            privilege_diff=privilege_diff,
            other_diff=other_document(others),
            settings={
                name: getattr(seen if before is None or self.scopes.is_server_read else before, name)
                for name in SETTINGS
            },
            is_superuser=is_superuser,
            document=new_document,
            facts=facts,
            scope_digests=new_digests,
            fingerprint=fingerprint(new_digests),
            reach_digest=self.reach_digests.get(seen.key, ""),
            reader_version=versions[0],
            facts_version=versions[1],
        )

    @property
    def _versions(self) -> tuple[int, int]:
        return (self.adapter.reader_version, self.adapter.facts_version)

    def _digests(self, seen: AccountSnapshot, before: Mapping[str, str]) -> dict[str, str]:
        """The digests after this read: the read scopes' new ones and those of the scopes that stay as they are."""
        kept = {scope: value for scope, value in before.items() if self.scopes.keeps(scope)}
        return kept | {scope: value for scope, value in seen.digests.items() if scope in self.scopes.read}

    def _covered(self, seen: AccountSnapshot, stored: Mapping[str, Any]) -> AccountSnapshot:
        """What was seen, without anything from scopes that were not read to their end."""
        read = self.scopes.read
        if all(scope in read for scope in (SERVER, *seen.parts, *seen.owned)):
            return seen
        return replace(
            seen,
            parts={scope: part for scope, part in seen.parts.items() if scope in read},
            owned={scope: part for scope, part in seen.owned.items() if scope in read},
            type_specific=seen.type_specific if SERVER in read else stored.get("type_specific", {}),
        )

    def _meta(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
        """What stands beside a document, by database or scope: of those that stay as they are it stays too."""
        unread = {scope for scope in self.scopes.ledger if self.scopes.keeps(scope)}
        kept = {
            key: {name: count for name, count in held.items() if unread & {name, database_scope(name)}}
            for key, held in old.items()
            if key != "observed" and isinstance(held, Mapping)
        }
        return {**new, **{key: {**held, **new.get(key, {})} for key, held in kept.items() if held}}

    def _facts(self, key: Key, written: Mapping[str, Any]) -> dict[str, Any]:
        return self.adapter.facts(
            categories=written["categories"],
            type_specific=written["type_specific"],
            reach=self.reaches.get(key, Reach()),
        )

    def _privileges(
        self, old: Parts, new: Parts, old_digests: Mapping[str, str], new_digests: Mapping[str, str]
    ) -> Iterator[PrivilegeChange]:
        """What changed in every scope that can be compared, and what went with a dropped database."""
        dropped = {scope.partition(":")[2] for scope in self.scopes.gone}
        for scope in _ordered(old_digests.keys() | new_digests.keys()):
            if old_digests.get(scope) == new_digests.get(scope):
                continue
            if self.scopes.is_gone(scope):
                yield from privilege_changes(old.get(scope, {}), {}, reason=DATABASE_DROPPED)
                continue
            compared = self.scopes.comparable.get(scope, frozenset())
            before, after = (
                {category: value for category, value in parts.get(scope, {}).items() if category in compared}
                for parts in (old, new)
            )
            for change in privilege_changes(before, after):
                went = change.action == "REVOKE" and len(change.path) == 1 and change.path[0] in dropped
                yield replace(change, reason=DATABASE_DROPPED) if went else change

    def _others(
        self,
        seen: AccountSnapshot,
        before: StoredAccount,
        stored: Mapping[str, Any],
        facts: Mapping[str, Any],
        is_superuser: bool,
    ) -> Iterator[Entry]:
        """Changed attributes; none when the reader or its view of the server changed instead of the server."""
        if SERVER not in self.scopes.comparable or before.reader_version != self.adapter.reader_version:
            return
        old_specific, new_specific = stored.get("type_specific"), seen.type_specific
        why_locked = ""  # now, or until now; the same change needs no entry of its own
        if before.is_locked != seen.is_locked:
            why_locked = ", ".join(new_specific.get(LOCKS) or (old_specific or {}).get(LOCKS) or ())
        for name in SETTINGS:
            old, new = getattr(before, name), getattr(seen, name)
            if name == "principal_id":
                if old and new and old != new:
                    yield other_entry(name, old, new, description=RECREATED)
            elif old != new:
                yield other_entry(name, old, new, description=why_locked if name == "is_locked" else "")
        if old_specific is not None:
            told = {*SETTINGS, *([LOCKS] if why_locked else [])}
            for name in sorted((old_specific.keys() | new_specific.keys()) - told):
                if old_specific.get(name) != new_specific.get(name):
                    yield other_entry(f"type_specific.{name}", old_specific.get(name), new_specific.get(name))
        is_same_rule = before.facts_version == self.adapter.facts_version
        if before.is_superuser != is_superuser and is_same_rule and self.scopes.is_steady:
            yield _superuser_entry(before.is_superuser, facts)


def is_same_account(seen: AccountSnapshot, before: StoredAccount) -> bool:
    """Whether what is stored of an account still says something of the one that was seen: it was never dropped."""
    is_recreated = before.principal_id and seen.principal_id and before.principal_id != seen.principal_id
    return before.is_active and not is_recreated


@lru_cache(maxsize=1024)
def _reach_digest(roles: tuple[str, ...], reasons: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    """Cached, because most accounts reach the same few roles."""
    return digest([roles, reasons])


def _ordered(scopes: Iterable[str]) -> list[str]:
    """The server first, then its databases by name."""
    return sorted(scopes, key=lambda scope: (scope != SERVER, scope))


def _superuser_entry(before: bool | None, facts: Mapping[str, Any]) -> Entry:
    """The change of the derived attribute, with the way that leads to it."""
    reasons = facts["capability_reasons"].get(SUPERUSER, ())
    return other_entry("is_superuser", before, SUPERUSER in facts["capabilities"], description="; ".join(reasons))


def _change(
    before: StoredAccount | None, privilege_diff: Mapping[str, Any], others: Sequence[Entry]
) -> ChangeType | None:
    if before is None:
        return ChangeType.ADD
    if not before.is_active:
        return ChangeType.REACTIVATE
    if privilege_diff["entries"]:
        return ChangeType.MODIFY_PRIVILEGE
    return ChangeType.MODIFY_OTHER if others else None
