"""What a fetch returns: a server's words, organised by the scopes that were really read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson

CoverageStatus = Literal["ok", "denied", "timeout", "offline", "error"]
AccountKind = Literal["user", "role", "group", "public"]

SERVER = "server"
EACH_DATABASE = "database:*"  # as the scope of a category: each of its keys names the database that it was read in
EACH_PDB = "pdb:*"  # the same for the pluggable databases of Oracle
DATABASE_LIST = "databases"  # in the server scope's categories when its list of databases is complete
LOCKS = "locks"  # in type_specific, where a server knows several causes of `is_locked`: their names

DATABASE_PREFIXES = ("database:", "pdb:")


def database_scope(name: str) -> str:
    """The scope of one database."""
    return f"database:{storable(name)}"


def pdb_scope(name: str) -> str:
    """The scope of one pluggable database."""
    return f"pdb:{storable(name)}"


def is_database_scope(scope: str) -> bool:
    """Whether a scope is a part of the server that can be dropped: a database or a PDB."""
    return scope.startswith(DATABASE_PREFIXES)


def category_scope(category: str) -> str:
    """The scope of a category that its server keeps in a table of its own."""
    return f"category:{category}"


def storable(value: Any) -> Any:
    """The value with every character written out that no database of ours can store: NUL and lone surrogates.

    Some servers allow them in names. They become visible escapes, so that different names stay different.
    """
    if isinstance(value, str):
        return value.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {storable(key): storable(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [storable(held) for held in value]
    return value


def is_storable(text: bytes) -> bool:
    """Whether a text, plain or JSON, holds neither NUL nor a lone surrogate (and seldom no although it does)."""
    if b"\0" in text or b"\\u0000" in text:
        return False
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One scope of a read: what was read there, or why not.

    `categories` names what was read; two reads are compared only in what both name. A category read in another
    shape gets another name here (`…:summarised`), so that the change of shape is no change of privileges.
    """

    scope: str
    status: CoverageStatus
    reason: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """One principal. Build it with `account()`, which computes digests and size.

    `parts` is {scope: {category: value}}: what is compared. In a database's part a category that is keyed by database
    holds only that database's key, so parts add up to the whole document by a merge of one level.
    `owned` has the same shape and is shown but never compared, because CREATE TABLE is no privilege change; so is what
    only mirrors another account's part, like the members of a role.
    `observed` changes by the clock or by use and is never compared either.
    """

    username: str
    host: str = ""
    is_role: bool = False  # part of the identity where roles and users are different name spaces
    kind: AccountKind
    is_system: bool = False
    is_superuser: bool = False  # the catalogue's own word; what roles add is derived
    is_locked: bool = False  # cannot log in, whatever the time is
    principal_id: str = ""
    valid_until: datetime | None = None
    locked_until: datetime | None = None
    password_expires_at: datetime | None = None
    parts: Mapping[str, Mapping[str, Any]]
    type_specific: Mapping[str, Any] = field(default_factory=dict)
    owned: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    observed: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str]
    owned_digest: str  # of owned and meta: what is shown without being compared
    size_bytes: int

    @property
    def key(self) -> tuple[str, str, bool]:
        """The identity within an instance."""
        return (self.username, self.host, self.is_role)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsSnapshot:
    """Every account of a server, as far as `coverage` says.

    Two reads with one `digest` say the same in everything that is stored. When it is the target's `known_digest`, an
    adapter may leave out coverage and accounts and say `is_known` instead.
    """

    db_type: str
    version: str
    main_version: str
    reader: str = ""  # the account that read, as a statement of its server names it, where that is not its login
    digest: str = ""
    is_known: bool = False
    coverage: tuple[Coverage, ...] = ()
    accounts: tuple[AccountSnapshot, ...] = ()

    @property
    def size_bytes(self) -> int:
        """About what storing it takes."""
        return sum(account.size_bytes for account in self.accounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What an account gets beside its own grants: the roles it can become or inherits, with the shortest path.

    `capability_reasons` is {capability: (reason, …)}; a reason names the path, as in "member of app → dba".
    """

    roles: tuple[str, ...] = ()
    capability_reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def canonical(value: Any) -> bytes:
    """JSON with one spelling for equal values, in UTF-8 (lone surrogates pass as their three bytes)."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # a lone surrogate, a number beyond 64 bits
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass")


def canonical_text(value: Any) -> str:
    """The same as text, to be shown."""
    return canonical(value).decode("utf-8", "surrogatepass")


def digest(value: Any) -> str:
    """A short hash of a value's canonical JSON."""
    return _hash(canonical(value))


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]


def content_digest(snapshot: AccountsSnapshot) -> str:
    """The digest of a read, from what it was taken apart into; takes about two milliseconds for 500 accounts."""
    accounts = sorted(
        (
            *account.key,
            *(account.kind, account.is_system, account.is_superuser, account.is_locked, account.principal_id),
            *map(str, (account.valid_until, account.locked_until, account.password_expires_at)),
            fingerprint(account.digests),
            account.owned_digest,
        )
        for account in snapshot.accounts
    )
    coverage = [(part.scope, part.status, part.reason, part.categories) for part in snapshot.coverage]
    return digest([snapshot.version, coverage, accounts])


def fingerprint(digests: Mapping[str, str]) -> str:
    """One hash over the digests of all scopes."""
    return digest(sorted(digests.items()))


def account(
    *,
    parts: Mapping[str, Mapping[str, Any]],
    type_specific: Mapping[str, Any] | None = None,
    owned: Mapping[str, Mapping[str, Any]] | None = None,
    **fields: Any,
) -> AccountSnapshot:
    """An AccountSnapshot with its digests: the server scope's covers the stable type_specific too."""
    type_specific, owned = type_specific or {}, owned or {}
    texts = _texts(parts, type_specific)
    shown = _shown(owned, fields)
    if not is_storable(b"".join((*texts.values(), shown, *_words(fields)))):
        parts, type_specific, owned = storable(parts), storable(type_specific), storable(owned)
        fields = {name: storable(value) for name, value in fields.items()}
        texts, shown = _texts(parts, type_specific), _shown(owned, fields)
    return AccountSnapshot(
        parts={scope: part for scope, part in parts.items() if part or scope == SERVER},
        type_specific=type_specific,
        owned=owned,
        digests={scope: _hash(text) for scope, text in texts.items()},
        owned_digest=_hash(shown) if shown else "",
        size_bytes=sum(map(len, texts.values())) + len(shown),
        **fields,
    )


def _shown(owned: Mapping[str, Mapping[str, Any]], fields: Mapping[str, Any]) -> bytes:
    """What is shown without being compared; empty for most accounts."""
    meta = fields.get("meta")
    return canonical([owned, meta or {}]) if owned or meta else b""


def _words(fields: Mapping[str, Any]) -> Iterator[bytes]:
    """The other texts that are stored."""
    for value in fields.values():
        if isinstance(value, str):
            yield value.encode("utf-8", "surrogatepass")
        elif value and isinstance(value, Mapping):
            yield canonical(value)


def _texts(parts: Mapping[str, Mapping[str, Any]], type_specific: Mapping[str, Any]) -> dict[str, bytes]:
    """What the digest of each scope is computed from."""
    texts = {scope: canonical(part) for scope, part in parts.items() if part or scope == SERVER}
    texts[SERVER] = texts.get(SERVER, b"{}") + canonical(type_specific)
    return texts


def merge(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The categories of several scopes in one document; keyed categories are merged by key."""
    merged: dict[str, Any] = {}
    for part in parts:
        for category, value in part.items():
            if isinstance(value, Mapping) and isinstance(merged.get(category), dict):
                merged[category].update(value)
            else:
                merged[category] = dict(value) if isinstance(value, Mapping) else value
    return merged


def split(categories: Mapping[str, Any], scopes: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The inverse of `merge`: {scope: part}. `scopes` names the scope of each category that is not the server's;
    of a category keyed by database, the key "" belongs to the server all the same."""
    parts: dict[str, dict[str, Any]] = {}
    for category, value in categories.items():
        scope = scopes.get(category, SERVER)
        scope_of = {EACH_DATABASE: database_scope, EACH_PDB: pdb_scope}.get(scope)
        if scope_of is None:
            parts.setdefault(scope, {})[category] = value
            continue
        for name, held in value.items():
            parts.setdefault(scope_of(name) if name else SERVER, {})[category] = {name: held}
    return parts


def document(snapshot: AccountSnapshot, kept: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The permission_snapshot v4 of an account; `kept` are stored parts of scopes that were not read this time."""
    return {
        "version": 4,
        "categories": merge([*kept, *snapshot.parts.values(), *snapshot.owned.values()]),
        "type_specific": {**snapshot.type_specific},
        "extra": {},
        "errors": [],
        "meta": {**snapshot.meta, "observed": {**snapshot.observed}},
    }
