"""One short-lived, read-only connection to an Oracle database, by the driver's thin mode."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from dbms import statements
from dbms.base import APPLICATION_NAME, Server, Target
from dbms.network import first_answer
from dbms.oracle.failures import LOST, translate
from dbms.oracle.line import Line
from dbms.watching import watched
from whalefall.errors import (
    DatabaseMissing,
    ProtocolViolation,
    RemoteError,
    RemoteTimeout,
    TlsFailed,
    VersionUnsupported,
)

if TYPE_CHECKING:
    from oracledb import AsyncConnection as Driver

DEFAULT_SERVICE = "ORCL"  # as the installer proposes it
MINIMUM_VERSION = (12, 1)
ROOT = 1  # the number of a CDB's root container
CDB = "cdb"  # the statements for the root, which read every container
ROWS_AT_ONCE = 2000
FAREWELL_SECONDS = 1
GRACE_SECONDS = 2  # for the answer to a cancelled call
NUMBER = re.compile(r"\d+(?:\.\d+)+")
NO_SERVICE = re.compile(r"[()=\\\"'\s]")  # would end the name within a connect descriptor

READ_ONLY = "SET TRANSACTION READ ONLY"

_choosing_mode = threading.Lock()


class Connection:
    """An open connection; `statements` counts what was sent to the server.

    `reader` is the account that it is logged in as, `container` the number (0: there are no containers) and
    `container_name` the name of where it is, `clock_offset` how far the server's dates, which have no time zone, are
    ahead of UTC.
    """

    __slots__ = (
        "_driver", "_line", "clock_offset", "container", "container_name", "is_busy", "reader", "server", "statements",
        "target",
    )  # fmt: skip

    def __init__(self, *, target: Target, driver: Driver, line: Line) -> None:
        self.target = target
        self.server = Server(db_type="oracle", version="", main_version="", number=())
        self.reader = ""
        self.container = 0
        self.container_name = ""
        self.clock_offset = timedelta()
        self.statements = 0
        self.is_busy = False
        self._driver = driver
        self._line = line

    def begin(self) -> None:
        """Learn what the server is, and bind the session to reading. Raises RemoteError."""
        self.server = _server(self._driver.version, self.target)
        self._run(READ_ONLY, {}, None)
        ((self.reader, container, self.container_name, clock),) = self.rows("session")
        self.container = int(container)
        self.server = replace(self.server, fork=self.fork)
        self.clock_offset = _offset(clock)

    def rows(self, noun: str, *, most: int | None = None, **params: Any) -> list[tuple[Any, ...]]:
        """All rows of the named statement, or the first `most` of them. Raises RemoteError."""
        text = statements.text("dbms.oracle", noun, self.server.number, self.fork)
        with watched(self.target, (noun, {**params, "most": most})) as ended:
            found = self._run(text, params, most)
            ended(len(found))
        return found

    def statement(self, noun: str) -> statements.Statement:
        """The variant of a statement that this connection uses."""
        return statements.find("dbms.oracle", noun, self.server.number, self.fork)

    @property
    def is_root(self) -> bool:
        """Whether it sees several containers."""
        return self.container == ROOT

    @property
    def fork(self) -> str:
        """Which statements read here: those of the root, or those of one container."""
        return CDB if self.is_root else ""

    def cancel(self) -> None:
        """Ask the server, from another thread, to end the running statement."""
        if self.is_busy:
            self._line.call_soon_threadsafe(self._driver.cancel)

    def close(self) -> None:
        """Log off, if the server still answers."""
        if not self._line.is_cut:
            with suppress(Exception):
                self._line.wait_for(self._driver.close(), seconds=FAREWELL_SECONDS)

    def _run(self, text: str, params: dict[str, Any], most: int | None) -> list[tuple[Any, ...]]:
        seconds = self.target.statement_timeout
        self.statements += 1
        self.is_busy = True
        try:
            return self._line.wait_for(self._fetched(text, params, most), seconds=seconds + GRACE_SECONDS)
        except TimeoutError:
            self._line.cut()
            error = RemoteTimeout(**self.target.address, detail="the server does not answer", extra={"code": LOST})
            raise self.target.interrupt.error(self.target) or error from None
        except (Exception, asyncio.CancelledError) as error:
            raise translate(error, self.target) from error
        finally:
            self.is_busy = False

    async def _fetched(self, text: str, params: dict[str, Any], most: int | None) -> list[tuple[Any, ...]]:
        deadline = time.monotonic() + self.target.statement_timeout

        def limit() -> None:  # of each round trip, so that all together keep within the time
            self._driver.call_timeout = max(1, round((deadline - time.monotonic()) * 1000))

        found: list[tuple[Any, ...]] = []
        limit()
        with self._driver.cursor() as cursor:
            cursor.arraysize = cursor.prefetchrows = ROWS_AT_ONCE
            await cursor.execute(text, params)
            if cursor.description is None:
                return found
            while most is None or len(found) < most:
                limit()
                rows = await cursor.fetchmany(ROWS_AT_ONCE if most is None else min(ROWS_AT_ONCE, most - len(found)))
                if not rows:
                    break
                found += rows
        return found


@contextmanager
def connect(target: Target) -> Iterator[Connection]:
    """Open a read-only connection with time-outs; `target.interrupt` can end it. Raises RemoteError."""
    service = target.database or DEFAULT_SERVICE
    connection = first_answer(target, partial(_attempt, target, service))
    line = connection._line
    with (
        _closing(connection, line),
        target.interrupt.guard(cancel=connection.cancel, disconnect=lambda: line.call_soon_threadsafe(line.cut)),
    ):
        connection.begin()
        yield connection


@contextmanager
def _closing(connection: Connection, line: Line) -> Iterator[None]:
    try:
        yield
        connection.close()
    finally:
        line.close()


def _attempt(target: Target, service: str, address: str, ca: str, seconds: float) -> Connection:
    import oracledb

    if NO_SERVICE.search(service):
        raise DatabaseMissing(**target.address, database=repr(service), detail="no service can have this name")
    with _choosing_mode:  # until the mode is fixed, the driver lets nobody connect beside anybody else
        oracledb.enable_thin_mode()  # type: ignore[no-untyped-call]
    line = Line(host=target.host)

    async def log_in() -> Driver:
        driver: Driver = await oracledb.connect_async(
            host=address,
            port=target.port,
            service_name=service,
            user=target.username,
            password=target.password,
            protocol="tcp" if target.tls_mode == "disable" else "tcps",
            ssl_context=_ssl_context(target, ca),
            ssl_server_dn_match=False,  # the line checks the name, while TLS is negotiated
            tcp_connect_timeout=seconds,
            retry_count=0,
            program=APPLICATION_NAME,
        )
        return driver

    try:
        driver = line.wait_for(log_in(), seconds=seconds)
    except TimeoutError:
        line.close()
        raise target.interrupt.error(target) or RemoteTimeout(
            **target.address, detail="the login took too long"
        ) from None
    except RemoteError:
        line.close()
        raise
    except (Exception, asyncio.CancelledError) as error:
        line.close()
        if line.speaks_another_protocol:
            raise ProtocolViolation(**target.address, detail="the peer does not speak Oracle Net") from None
        if line.offers_no_tls:
            raise TlsFailed(**target.address, detail="the server offers no TLS") from None
        raise translate(error, target, connecting=True) from error
    return Connection(target=target, driver=driver, line=line)


def _ssl_context(target: Target, ca: str) -> ssl.SSLContext | None:
    """Raises TlsFailed when the CA cannot be used."""
    if target.tls_mode == "disable":
        return None
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except (ssl.SSLError, OSError) as error:
        raise TlsFailed(**target.address, detail=f"the CA certificate cannot be used: {error}") from error
    if not ca:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _server(version: str, target: Target) -> Server:
    found = NUMBER.match(version)
    if found is None:
        raise ProtocolViolation(**target.address, detail=f"the server reports the version {version!r}")
    number = tuple(map(int, found[0].split(".")))
    if number < MINIMUM_VERSION:
        raise VersionUnsupported(**target.address, version=found[0], minimum=".".join(map(str, MINIMUM_VERSION)))
    return Server(db_type="oracle", version=f"Oracle Database {found[0]}", main_version=found[0], number=number)


def _offset(clock: datetime) -> timedelta:
    """How far the server's clock is ahead of UTC, in quarters of an hour: what remains is a clock that goes wrong."""
    ahead = clock - datetime.now(UTC).replace(tzinfo=None)
    return timedelta(minutes=15 * round(ahead / timedelta(minutes=15)))
