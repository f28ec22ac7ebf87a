"""What every DBMS shares: where to connect to, how to stop, and what an adapter offers."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

from dbms.catalogue import Catalogue
from dbms.deadlines import DEADLINES
from dbms.sizes import CapacitySnapshot, TableSize
from dbms.snapshots import AccountSnapshot, AccountsSnapshot, Reach
from dbms.watching import Sent
from whalefall.errors import FetchCancelled, RemoteTimeout

TlsMode = Literal["disable", "require", "verify"]
TLS_MODES: tuple[TlsMode, ...] = ("disable", "require", "verify")
APPLICATION_NAME = "whalefall"


class Interrupt:
    """Ends, from another thread, whatever a fetch is waiting for.

    A connection is guarded while it is open. `fire()` first asks the server to cancel, then shuts the socket down,
    because a frozen peer answers no cancel request; afterwards no guarded connection can be opened any more.
    """

    CANCEL_SECONDS = 1.0  # for all requests to cancel together: a peer that trickles would draw out its answer
    GRACE_SECONDS = 0.5

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[object, tuple[Callable[[], object], Callable[[], object]]] = {}
        self._reason: Literal["", "timeout", "cancelled"] = ""
        self._deadline = math.inf
        self._has_connected = False

    @property
    def reason(self) -> Literal["", "timeout", "cancelled"]:
        """Why the fetch was ended; empty while it may go on."""
        return self._reason

    @property
    def has_connected(self) -> bool:
        """Whether a server let the fetch in: what fails later is no failure to connect."""
        return self._has_connected

    def note_connected(self) -> None:
        """Remember that a server let the fetch in."""
        self._has_connected = True

    @contextmanager
    def guard(self, *, cancel: Callable[[], object], disconnect: Callable[[], object]) -> Iterator[None]:
        """Let `fire()` end this connection until the block is left."""
        key = object()
        with self._lock:
            fired = bool(self._reason)
            self._open[key] = (cancel, disconnect)
        try:
            if fired:
                disconnect()
            yield
        finally:
            with self._lock:
                self._open.pop(key, None)

    def fire(self, reason: Literal["timeout", "cancelled"]) -> None:
        """End the fetch. Blocks for less than two seconds; never call it from a loop that must not wait."""
        with self._lock:
            self._reason = self._reason or reason
            opened = list(self._open.items())
        if opened:
            cancels = [cancel for _, (cancel, _disconnect) in opened]
            asking = threading.Thread(target=_each_quietly, args=(cancels,), daemon=True)
            with suppress(RuntimeError):  # there is no thread to be had
                asking.start()
                asking.join(self.CANCEL_SECONDS)
        deadline = time.monotonic() + self.GRACE_SECONDS
        while opened and time.monotonic() < deadline:
            with self._lock:
                opened = [(key, handles) for key, handles in opened if key in self._open]
            time.sleep(0.02)
        for _, (_cancel, disconnect) in opened:
            _quietly(disconnect)

    @contextmanager
    def after(self, seconds: float) -> Iterator[None]:
        """Fire for "timeout" when the block takes longer than this; an adapter connects within `seconds_left`."""
        self._deadline = time.monotonic() + seconds
        deadline = DEADLINES.set(seconds, partial(self.fire, "timeout"))
        try:
            yield
        finally:
            DEADLINES.cancel(deadline)

    @property
    def seconds_left(self) -> float:
        """How long the fetch may still take; infinite when nobody set a limit by `after()`."""
        return max(0.0, self._deadline - time.monotonic())

    def error(self, target: Target) -> RemoteTimeout | FetchCancelled | None:
        """What an aborted fetch has to raise, whatever its driver said; None while it was not aborted."""
        if self._reason == "timeout":
            return RemoteTimeout(**target.address, detail=f"the whole read took longer than {target.fetch_timeout} s")
        if self._reason == "cancelled":
            return FetchCancelled(**target.address)
        return None


def _each_quietly(calls: Iterable[Callable[[], object]]) -> None:
    for call in calls:
        _quietly(call)


def _quietly(call: Callable[[], object]) -> None:
    # The connection is being given up: nothing that its driver says matters any more.
    with suppress(Exception):
        call()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to connect to and with what: all that a fetch thread gets. Times in seconds."""

    db_type: str
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    database: str = ""
    tls_mode: TlsMode = "disable"
    tls_ca: str = field(default="", repr=False)  # PEM text, so that no worker needs a file
    connect_timeout: int = 5
    statement_timeout: int = 30
    fetch_timeout: int = 300
    known_digest: str = ""  # of the last read when all of it is stored: an equal one need not be taken apart
    interrupt: Interrupt = field(default_factory=Interrupt, repr=False, compare=False)
    watcher: Callable[[Sent], None] | None = field(default=None, repr=False, compare=False)  # of every statement

    @property
    def address(self) -> dict[str, Any]:
        """The parameters of every remote error."""
        return {"host": self.host, "port": self.port, "username": self.username}


def without_password(text: str, target: Target, *, spellings: Iterable[str] = (), known: Iterable[str] = ()) -> str:
    """The text without the password, should a driver ever repeat it; `spellings` are other ways to write it.

    Inside a longer word it stays: "e***ist" would tell more than it hides. So does what is no secret anyway.
    """
    public = {"", target.username, target.host, target.database, *known}
    for secret in {target.password, " ".join(target.password.split()), *spellings} - public:
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What a server says of itself."""

    db_type: str
    version: str  # its own words: "PostgreSQL 15.18 (Debian …)"
    main_version: str  # "15.18"
    number: tuple[int, ...]  # (15, 18)
    fork: str = ""  # of a DBMS that has some: "mariadb"


class Connection(Protocol):
    """One open connection, made by an adapter's `connect`."""

    target: Target
    server: Server

    def rows(self, statement: str, **params: Any) -> Sequence[tuple[Any, ...]]:
        """All rows of the named statement in the adapter's `sql` folder."""
        ...


# What of an account nobody knows while a scope was never read, by the scope or its prefix ("database:"); a whole name
# counts before a prefix, and a scope that is not named hides nothing that is derived. DATABASE_LIST stands for the
# databases that a server whose list is incomplete may have beside those that it told of. The parts are those of the
# facts and of the permission document: "capabilities.X", "roles", "database_roles" (named database.role),
# "privileges.global", ".server", ".database", ".tablespace", "escalation", "objects.LEVEL" and "owned".
HiddenBy = Mapping[str, frozenset[str]]


class Facts(Protocol):
    """Builds permission_facts v2 of one account from its categories and what it reaches through roles."""

    def __call__(
        self, *, categories: Mapping[str, Any], type_specific: Mapping[str, Any], reach: Reach
    ) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """Everything that WhaleFall knows about one DBMS."""

    key: str
    label: str
    default_port: int
    default_database: str
    minimum_version: tuple[int, ...]
    connect: Callable[[Target], AbstractContextManager[Any]]
    read_accounts: Callable[[Any], AccountsSnapshot]
    grants: Callable[[AccountsSnapshot, str], tuple[str, ...]]  # the statements that the reading account still needs
    read_capacity: Callable[[Any], CapacitySnapshot]
    read_tables: Callable[[Any, str, int], Sequence[TableSize]]  # of one database, the largest first
    capacity_grants: Callable[[CapacitySnapshot, str], tuple[str, ...]]
    reader_version: int  # rises when equal answers of a server lead to other snapshots
    category_scopes: Mapping[str, str]  # of the snapshot categories that are not the server's, see snapshots.split()
    hidden_by: HiddenBy
    reach: Callable[[Sequence[AccountSnapshot]], Mapping[tuple[str, str, bool], Reach]]
    written_role: Callable[[tuple[str, str]], str]  # (username, host) of a role as `reach` and the facts name it
    facts: Facts
    facts_version: int  # rises when equal snapshots yield other facts
    catalogue: Catalogue  # the privileges that it has
