"""What follows from an account's snapshot: the roles it reaches, and permission_facts v2."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dbms.oracle.names import identifier
from dbms.oracle.principals import PUBLIC
from dbms.oracle.privileges import ADMIN, DISABLED_ROLES, QUOTAS, ROLES, SYSTEM, WITH_ADMIN_OPTION, in_pdb
from dbms.snapshots import AccountSnapshot, Reach, merge

FACTS_VERSION = 2
HERE = ""  # the container of the login, beside the names of pluggable databases
DBA = "DBA"
CREATE_SESSION = "CREATE SESSION"
GRANT_ADMIN = frozenset({"GRANT ANY PRIVILEGE", "GRANT ANY ROLE"})

# System privileges that somebody can turn into more than they are: other people's passwords and sessions, code that
# runs as somebody else, the data dictionary itself ("Database Security Guide", privileges to grant with care).
ESCALATIONS = frozenset(
    {
        "ALTER ANY PROCEDURE", "ALTER ANY TRIGGER", "ALTER DATABASE", "ALTER PROFILE", "ALTER SYSTEM", "ALTER USER",
        "BECOME USER", "CREATE ANY CREDENTIAL", "CREATE ANY DIRECTORY", "CREATE ANY JOB", "CREATE ANY PROCEDURE",
        "CREATE ANY TRIGGER", "CREATE ANY VIEW", "CREATE EXTERNAL JOB", "EXECUTE ANY PROCEDURE",
        "EXEMPT ACCESS POLICY", "GRANT ANY OBJECT PRIVILEGE", "IMPORT FULL DATABASE", "SELECT ANY DICTIONARY",
    }
)  # fmt: skip

Node = tuple[str, str]  # (name as granted, container)
Categories = Mapping[str, Any]
Paths = Mapping[str, tuple[str, ...]]


class Graph:
    """Who holds which role in which container. A common role means in each of them also what it was given there."""

    def __init__(self, accounts: Sequence[AccountSnapshot]) -> None:
        self._own: dict[Node, Categories] = {
            (identifier(account.username), account.host): merge(account.parts.values()) for account in accounts
        }
        public = self._own.get((PUBLIC, HERE), {})
        shared = [self._own[node] for node in self._own if node[1] == HERE]
        self.pdbs = sorted({pdb for held in shared for category in (ROLES, SYSTEM, ADMIN)
                            for pdb in held.get(in_pdb(category), ())})  # fmt: skip
        self._of_public = {container: self._held(public, container) for container in self.places}
        self._known: dict[tuple[tuple[str, ...], str], Paths] = {}

    def categories(self, name: str, container: str) -> tuple[Categories, ...]:
        """What a role is in a container."""
        local = self._own.get((name, container)) if container else None
        return (local,) if local is not None else (self._own.get((name, HERE), {}),)

    def of(self, account: AccountSnapshot, container: str) -> Paths:
        """{role: the shortest path to it}, an account's own roles first, PUBLIC's with PUBLIC before them."""
        return self._from(self._held(self._own[identifier(account.username), account.host], container), container)

    def opens_sessions(self, account: AccountSnapshot) -> bool:
        """Whether it may log in anywhere: by CREATE SESSION, its own, everybody's or of a role that is enabled from
        the login on, or by a word of the password file."""
        own = self._own[identifier(account.username), account.host]
        return any(self._opens_session(own, place) for place in ((account.host,) if account.host else self.places))

    @property
    def places(self) -> tuple[str, ...]:
        """Where anything was granted."""
        return (HERE, *self.pdbs)

    def _opens_session(self, own: Categories, container: str) -> bool:
        disabled = {*own.get(DISABLED_ROLES, ()), *own.get(in_pdb(DISABLED_ROLES), {}).get(container, ())}
        enabled = tuple(role for role in self._held(own, container) if role not in disabled)
        holders = [own, self._own.get((PUBLIC, HERE), {})]
        for role in self._from(enabled, container):
            holders += self.categories(role, container)
        places = dict.fromkeys((HERE, container))
        return any(_words(own, ADMIN, place) for place in places) or any(
            CREATE_SESSION in _words(held, SYSTEM, place) for held in holders for place in places
        )

    def _from(self, own: tuple[str, ...], container: str) -> Paths:
        if (own, container) not in self._known:
            self._known[own, container] = self._paths(own, container)
        return self._known[own, container]

    def _paths(self, own: tuple[str, ...], container: str) -> Paths:
        paths: dict[str, tuple[str, ...]] = {role: (role,) for role in own}
        for role in self._of_public.get(container, ()):
            paths.setdefault(role, (PUBLIC, role))
        waiting = deque(paths)
        while waiting:
            role = waiting.popleft()
            for held in self.categories(role, container):
                for further in self._held(held, container):
                    if further not in paths:
                        paths[further] = (*paths[role], further)
                        waiting.append(further)
        return paths

    @staticmethod
    def _held(categories: Categories, container: str) -> tuple[str, ...]:
        """Roles that were granted in a container: there, or in all of them."""
        words = (*categories.get(ROLES, ()), *categories.get(in_pdb(ROLES), {}).get(container, ()))
        return tuple(dict.fromkeys(word.removesuffix(WITH_ADMIN_OPTION) for word in words))


def reach(accounts: Sequence[AccountSnapshot]) -> Mapping[tuple[str, str, bool], Reach]:
    """The roles that each account holds, directly or through others, in any container, and what they bring along."""
    graph = Graph(accounts)
    public = next((account for account in accounts if account.kind == "public"), None)
    found = {}
    for account in accounts:
        roles: set[str] = set()
        reasons: dict[str, list[str]] = {}
        for container in (account.host,) if account.host else graph.places:
            suffix = f" in {container}" if container else ""
            paths = graph.of(account, container)
            roles |= paths.keys()
            for capability, reason in _reached(graph, paths, container):
                reasons.setdefault(capability, []).append(reason + suffix)
            if public is not None and account is not public:
                for capability, _ in _capabilities(merge(public.parts.values()), container):
                    reasons.setdefault(capability, []).append(PUBLIC + suffix)
        if account.kind == "user" and account.is_locked and not any(_locks(account.type_specific)):
            reasons.setdefault("LOCKED", []).append(f"no {CREATE_SESSION}")
        if account.kind == "role" and account.username == DBA:
            reasons.setdefault("SUPERUSER", []).append(DBA)
        found[account.key] = Reach(
            roles=tuple(sorted(roles)),
            capability_reasons={capability: tuple(_without_repeats(paths_)) for capability, paths_ in reasons.items()},
        )
    return found


def _reached(graph: Graph, paths: Paths, container: str) -> Iterator[tuple[str, str]]:
    for role, path in paths.items():
        source = " → ".join(path) if path[0] == PUBLIC else f"member of {' → '.join(path)}"
        if role == DBA:
            yield "SUPERUSER", source
            yield "GRANT_ADMIN", source
        for held in graph.categories(role, container):
            for capability, _ in _capabilities(held, container):
                yield capability, source


def _without_repeats(reasons: Sequence[str]) -> Iterator[str]:
    """What holds everywhere is not said of each pluggable database again."""
    known: set[str] = set()
    for reason in reasons:
        plain, _, container = reason.rpartition(" in ")
        if reason not in known and not (container and plain in known):
            known.add(reason)
            yield reason


def facts(*, categories: Categories, type_specific: Mapping[str, Any], reach: Reach) -> dict[str, Any]:
    """permission_facts v2 of one account. Nothing in it depends on the clock."""
    reasons: dict[str, list[str]] = {}
    in_pdbs = sorted({pdb for category in (SYSTEM, ADMIN) for pdb in categories.get(in_pdb(category), ())})
    for container in (HERE, *in_pdbs):
        suffix = f" in {container}" if container else ""
        for capability, reason in _capabilities(categories, container, own=container == HERE):
            reasons.setdefault(capability, []).append(reason + suffix)
    for lock in _locks(type_specific):
        reasons.setdefault("LOCKED", []).append(lock)
    for capability, paths in reach.capability_reasons.items():
        reasons.setdefault(capability, []).extend(paths)
    escalation = sorted(ESCALATIONS.intersection(_words(categories, SYSTEM, HERE)))
    return {
        "version": FACTS_VERSION,
        "db_type": "oracle",
        "capabilities": sorted(reasons),
        "capability_reasons": {capability: reasons[capability] for capability in sorted(reasons)},
        "roles": sorted(reach.roles),
        "privileges": {
            "global": [],
            "server": list(categories.get(ADMIN, ())),
            "system": list(categories.get(SYSTEM, ())),
            "database": {pdb: list(held) for pdb, held in categories.get(in_pdb(SYSTEM), {}).items()},
            "tablespace": {name: list(held) for name, held in categories.get(QUOTAS, {}).items()},
        },
        "errors": [],
        "meta": {"escalation": escalation} if escalation else {},
    }


def _words(categories: Categories, category: str, container: str) -> list[str]:
    """What was granted in a container alone, without options."""
    words = categories.get(in_pdb(category), {}).get(container, ()) if container else categories.get(category, ())
    return [word.removesuffix(WITH_ADMIN_OPTION) for word in words]


def _capabilities(categories: Categories, container: str, *, own: bool = True) -> Iterator[tuple[str, str]]:
    """(capability, reason) of what an account or role holds itself, in all containers (`own`) or in this one."""
    for place in dict.fromkeys((HERE, container) if own else (container,)):
        if "SYSDBA" in _words(categories, ADMIN, place):
            yield "SUPERUSER", "SYSDBA"
        for privilege in sorted(GRANT_ADMIN.intersection(_words(categories, SYSTEM, place))):
            yield "GRANT_ADMIN", privilege


def _locks(type_specific: Mapping[str, Any]) -> Iterator[str]:
    """Why nobody can log in as this account, whatever the time is."""
    if type_specific.get("is_role"):
        yield "role"
    if type_specific.get("is_locked"):
        yield "ACCOUNT LOCK"
    if not type_specific.get("is_role") and type_specific.get("authentication_type") == "NONE":
        yield "no authentication"
