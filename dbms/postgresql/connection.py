"""One short-lived, read-only connection to a PostgreSQL server."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from dbms import statements
from dbms.base import APPLICATION_NAME, Server, Target, TlsMode
from dbms.network import first_answer
from dbms.postgresql.failures import DEFAULT_DATABASE, translate
from dbms.watching import watched
from whalefall.errors import ProtocolViolation, VersionUnsupported

if TYPE_CHECKING:
    import psycopg

MINIMUM_VERSION = (9, 6)
SSL_MODES: dict[TlsMode, str] = {"disable": "disable", "require": "require", "verify": "verify-full"}
NO_FILE = os.path.join(os.devnull, "none")  # libpq must not fall back on files of the worker's home directory
BATCH_ROWS = 2_000


class Connection:
    """An open connection; `statements` counts what was sent to the server."""

    __slots__ = ("_driver", "close", "server", "statements", "target")

    def __init__(
        self, *, target: Target, server: Server, driver: psycopg.Connection[Any], close: Callable[[], None]
    ) -> None:
        self.target = target
        self.server = server
        self.statements = 0
        self.close = close  # before the block is left, so that a fetch never has two connections open
        self._driver = driver

    def rows(self, noun: str, **params: Any) -> list[tuple[Any, ...]]:
        """All rows of the named statement. Raises RemoteError."""
        return list(self.stream(noun, **params))

    def stream(self, noun: str, **params: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of the named statement, made by the batch: the driver's bytes are all that is held of many rows.

        For statements with a LIMIT. Raises RemoteError.
        """
        import psycopg

        with watched(self.target, (noun, params)) as ended:
            try:
                with self._driver.cursor() as cursor:
                    cursor.execute(self._text(noun), params or None)
                    ended(cursor.rowcount)
                    while batch := cursor.fetchmany(BATCH_ROWS):
                        yield from batch
            except psycopg.Error as error:
                raise translate(error, self.target) from error

    def _text(self, noun: str) -> bytes:
        self.statements += 1
        return statements.text("dbms.postgresql", noun, self.server.number).encode("ascii")


@contextmanager
def connect(target: Target) -> Iterator[Connection]:
    """Open a read-only connection with time-outs; `target.interrupt` can end it. Raises RemoteError."""
    driver = first_answer(target, partial(_attempt, target))
    # A descriptor of our own: shutting it down can never hit another socket that got the number meanwhile.
    line = socket.socket(fileno=os.dup(driver.fileno()))
    with ExitStack() as opened:
        opened.enter_context(closing(driver))
        opened.enter_context(closing(line))
        opened.enter_context(
            target.interrupt.guard(cancel=lambda: _cancel(driver), disconnect=lambda: line.shutdown(socket.SHUT_RDWR))
        )
        connection = Connection(target=target, server=_server(driver, target), driver=driver, close=opened.close)
        connection.statements += _accept_any_bytes(driver, target)
        yield connection


def _cancel(driver: psycopg.Connection[Any]) -> None:
    """Ask the server to stop; a connection that waits for nothing is not worth the second that a frozen peer costs."""
    from psycopg.pq import TransactionStatus

    if driver.pgconn.transaction_status == TransactionStatus.ACTIVE:
        driver.cancel_safe(timeout=1)


def _attempt(target: Target, address: str, ca: str, seconds: float) -> psycopg.Connection[Any]:
    import psycopg

    settings = {
        "default_transaction_read_only": "on",
        "statement_timeout": target.statement_timeout * 1000,
        "lock_timeout": 1000,
        "idle_in_transaction_session_timeout": target.statement_timeout * 1000,
        # Names are written and operators found the same way whatever the server or the role has set.
        "search_path": "pg_catalog",
        "quote_all_identifiers": "off",
        "max_parallel_workers_per_gather": 0,
    }
    try:
        driver = psycopg.connect(
            host=target.host,
            hostaddr=address,
            port=target.port,
            user=target.username,
            password=target.password,
            passfile=NO_FILE,
            dbname=target.database or DEFAULT_DATABASE,
            connect_timeout=max(1, int(seconds)),
            options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
            application_name=APPLICATION_NAME,
            client_encoding="UTF8",
            sslmode=SSL_MODES[target.tls_mode],
            sslrootcert=ca or NO_FILE,
            sslcertmode="disable",
            gssencmode="disable",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            autocommit=True,
            prepare_threshold=None,
        )
    except psycopg.Error as error:
        raise translate(error, target, connecting=True) from error
    for name in ("text", "name", "varchar", "bpchar"):
        driver.adapters.register_loader(name, _text_loader())
    return driver


def _server(driver: psycopg.Connection[Any], target: Target) -> Server:
    """What the server said at the start of the connection: no statement is needed."""
    version, number = driver.info.parameter_status("server_version") or "", driver.info.server_version
    if number >= 100000:
        parts: tuple[int, ...] = (number // 10000, number % 10000)
    else:
        parts = (number // 10000, number // 100 % 100, number % 100)
    if not number:
        raise ProtocolViolation(**target.address, detail=f"the server reports the version {version!r}")
    main = ".".join(str(part) for part in parts)
    if parts < MINIMUM_VERSION:
        minimum = ".".join(str(part) for part in MINIMUM_VERSION)
        raise VersionUnsupported(**target.address, version=main, minimum=minimum)
    return Server(db_type="postgresql", version=f"PostgreSQL {version}", main_version=main, number=parts)


def _accept_any_bytes(driver: psycopg.Connection[Any], target: Target) -> int:
    """In a SQL_ASCII database names may hold any bytes, which a UTF8 client is refused. Returns the statements sent."""
    import psycopg

    if driver.info.parameter_status("server_encoding") != "SQL_ASCII":
        return 0
    try:
        driver.execute(b"SET client_encoding TO SQL_ASCII")
    except psycopg.Error as error:
        raise translate(error, target) from error
    return 1


@cache
def _text_loader() -> type[Any]:
    from psycopg.adapt import Loader

    class Text(Loader):
        """Names are bytes to a server: those that are no UTF-8 come with escapes instead of an error."""

        def load(self, data: Any) -> str:
            return bytes(data).decode("utf-8", "backslashreplace")

    return Text
