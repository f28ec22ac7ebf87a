"""One short-lived, read-only connection to a MySQL or MariaDB server."""

from __future__ import annotations

import math
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dbms import statements
from dbms.base import Interrupt, Server, Target, TlsMode
from dbms.mysql.failures import translate
from dbms.mysql.greeting import offers_tls
from dbms.mysql.plugins import without_plain_passwords
from dbms.network import first_answer, in_time
from whalefall.errors import ProtocolViolation, RemoteTimeout, TlsFailed, VersionUnsupported

if TYPE_CHECKING:
    from MySQLdb.connections import Connection as Driver
    from MySQLdb.cursors import BaseCursor

MARIADB = "mariadb"
MINIMUM_VERSIONS = {"": (5, 7, 8), MARIADB: (10, 4, 0)}  # 5.7.8 brought max_execution_time, 10.4 global_priv
SSL_MODES: dict[TlsMode, str] = {"disable": "DISABLED", "require": "REQUIRED", "verify": "VERIFY_IDENTITY"}
CANCEL_SECONDS = 1
NUMBER = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")

# Names and all rows come as they are, whatever the server has set for everybody, and nobody's DDL is waited for.
PLAIN = f"SET SESSION sql_mode = '', sql_select_limit = {2**64 - 1}, lock_wait_timeout = 5"
READ_ONLY = "SET SESSION TRANSACTION READ ONLY"
STATEMENT_LIMITS = {
    "": "SET SESSION max_execution_time = {milliseconds}",
    MARIADB: "SET SESSION max_statement_time = {seconds}",
}
FRESH_STATISTICS = "SET SESSION information_schema_stats_expiry = 0"


class Connection:
    """An open connection; `statements` counts what was sent to the server, `variables` is what it said of itself."""

    __slots__ = ("_driver", "is_busy", "server", "statements", "target", "variables")

    def __init__(self, *, target: Target, driver: Driver) -> None:
        self.target = target
        self.server = Server(db_type="mysql", version="", main_version="", number=())
        self.variables: Mapping[str, str] = {}
        self.statements = 1  # the driver's own SET NAMES
        self.is_busy = False
        self._driver = driver

    def begin(self) -> None:
        """Learn what the server is, and bind the session to reading within its time. Raises RemoteError."""
        self._set(PLAIN)
        self._set(READ_ONLY)
        self.variables = dict(self.rows("variables"))
        self.server = _server(self.variables, self.target)
        seconds = self.target.statement_timeout
        self._set(STATEMENT_LIMITS[self.server.fork].format(seconds=seconds, milliseconds=seconds * 1000))

    def rows(self, noun: str, **params: Any) -> list[tuple[Any, ...]]:
        """All rows of the named statement. Raises RemoteError."""
        text = statements.text("dbms.mysql", noun, self.server.number, self.server.fork)
        with self._sent(text, params) as cursor:
            found: list[tuple[Any, ...]] = list(cursor.fetchall())
        return found

    def expect_fresh_statistics(self) -> None:
        """Have sizes of tables looked up now. MySQL 8 answers for a day with what it remembers. Raises RemoteError."""
        if self.server.fork != MARIADB and self.server.number >= (8,):
            self._set(FRESH_STATISTICS)

    def _set(self, text: str) -> None:
        with self._sent(text):
            pass

    @contextmanager
    def _sent(self, text: str, params: Mapping[str, Any] | None = None) -> Iterator[BaseCursor]:
        from MySQLdb import Error
        from MySQLdb.cursors import Cursor

        started = time.monotonic()
        self.statements += 1
        self.is_busy = True
        try:
            cursor = Cursor(self._driver)  # takes all rows at once; SSCursor gives way to other threads at every row
            cursor.execute(text, params or None)
            yield cursor
            cursor.close()  # only when all went well: it would ask a lost connection for more rows
        except Error as error:
            waited = time.monotonic() - started >= _read_seconds(self.target)
            raise translate(error, self.target, waited=waited) from error
        finally:
            self.is_busy = False


@contextmanager
def connect(target: Target) -> Iterator[Connection]:
    """Open a read-only connection with time-outs; `target.interrupt` can end it. Raises RemoteError."""
    driver = first_answer(target, partial(_attempt, target, read_seconds=_read_seconds(target)))
    connection, thread = Connection(target=target, driver=driver), driver.thread_id()
    # A descriptor of our own: shutting it down can never hit another socket that got the number meanwhile.
    line = socket.socket(fileno=os.dup(driver.fileno()))
    with (
        closing(driver),
        closing(line),
        target.interrupt.guard(
            cancel=lambda: _cancel(connection, thread), disconnect=lambda: line.shutdown(socket.SHUT_RDWR)
        ),
    ):
        connection.begin()
        yield connection


def _cancel(connection: Connection, thread: int) -> None:
    """End the running statement by a second connection, since a server notices the end of the first one late.

    A connection that waits for nothing is not worth the second that a frozen peer costs.
    """
    if connection.is_busy:
        target = replace(connection.target, connect_timeout=CANCEL_SECONDS, interrupt=Interrupt())
        with closing(first_answer(target, partial(_attempt, target, read_seconds=CANCEL_SECONDS))) as second:
            second.query(f"KILL QUERY {thread:d}")


def _attempt(target: Target, address: str, ca: str, seconds: float, *, read_seconds: int) -> Driver:
    import MySQLdb

    deadline = time.monotonic() + seconds
    if target.tls_mode == "require" and offers_tls(address, target.port, seconds=seconds) is False:
        raise TlsFailed(**target.address, detail="the server offers no TLS")

    def log_in() -> Driver:
        with without_plain_passwords() as options:
            return MySQLdb.connect(
                host=_certified(target.host) if ca else address,
                port=target.port,
                user=target.username,
                password=target.password,
                database=target.database,
                connect_timeout=max(1, math.floor(deadline - time.monotonic())),
                read_timeout=read_seconds,
                write_timeout=read_seconds,
                charset="utf8mb4",
                ssl_mode=SSL_MODES[target.tls_mode],
                ssl={"ca": ca} if ca else None,
                read_default_file=options,
                local_infile=0,  # or a hostile server could ask for this machine's files
                multi_statements=False,
                autocommit=None,
            )

    try:
        # The library's own time-out begins again with every byte that it gets.
        return in_time(log_in, seconds=max(1.0, deadline - time.monotonic()), discard=lambda driver: driver.close())
    except TimeoutError:
        raise target.interrupt.error(target) or RemoteTimeout(
            **target.address, detail="the login took too long"
        ) from None
    except MySQLdb.Error as error:
        raise translate(error, target, connecting=True) from error


def _certified(host: str) -> str:
    """The host by the name that its certificate is checked for, in letters that do not mean the local socket file."""
    return host.upper() if host == "localhost" else host


def _read_seconds(target: Target) -> int:
    """How long to wait for an answer: a little longer than the server lets a statement run."""
    return target.statement_timeout + 2


def _server(variables: Mapping[str, str], target: Target) -> Server:
    version, comment = variables.get("version", ""), variables.get("version_comment", "")
    found = NUMBER.match(version)
    if found is None:
        raise ProtocolViolation(**target.address, detail=f"the server reports the version {version!r}")
    number = tuple(int(part or 0) for part in found.groups())
    fork = MARIADB if MARIADB in f"{version} {comment}".lower() else ""
    main, minimum = (".".join(map(str, parts)) for parts in (number, MINIMUM_VERSIONS[fork]))
    if number < MINIMUM_VERSIONS[fork]:
        raise VersionUnsupported(**target.address, version=main, minimum=minimum)
    name = "MariaDB" if fork else "MySQL"
    full = f"{name} {version} ({comment})" if comment else f"{name} {version}"
    return Server(db_type="mysql", version=full, main_version=main, number=number, fork=fork)
