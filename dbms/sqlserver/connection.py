"""One short-lived connection to a SQL Server that only ever reads."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from dbms import statements
from dbms.base import Server, Target
from dbms.network import first_answer
from dbms.sqlserver import loopback
from dbms.sqlserver.failures import DEFAULT_DATABASE, rejection, translate
from dbms.sqlserver.line import Line
from dbms.sqlserver.names import bracketed
from dbms.watching import watched
from whalefall.errors import ProtocolViolation, SyncDataError, VersionUnsupported

if TYPE_CHECKING:
    from mssql_python import Connection as Driver
    from mssql_python import Cursor

MINIMUM_VERSION = (11, 0)
AZURE_DATABASE = 5  # as SERVERPROPERTY('EngineEdition')
NUMBER = re.compile(r"(\d+)\.(\d+)\.(\d+)")

# Error texts in the language that we read; nobody's DDL is waited for, and of a deadlock we are the victim.
SESSION = "SET LANGUAGE us_english; SET LOCK_TIMEOUT 5000; SET DEADLOCK_PRIORITY LOW"
READS = re.compile(r"(?:\s|--[^\n]*\n|/\*[^*]*\*/)*SELECT\b(?!.*\bINTO\b)", re.DOTALL)

FIRST_ROWS, GROWTH, BATCH_ROWS = 16, 8, 1_000

Rows = list[tuple[Any, ...]]


class About(NamedTuple):
    """What a server says of itself and of who reads: the row of the statement `server`. 1 is yes, NULL unknown."""

    version: str
    edition: str
    engine_edition: int
    sees_definitions: int | None
    sees_security_definitions: int | None
    sees_databases: int | None
    reader: str
    database: str


class Connection:
    """An open connection; `statements` counts what was sent to the server.

    SQL Server has no read-only session. So nothing is sent that does not read.
    """

    server: Server

    def __init__(self, *, target: Target, driver: Driver, line: Line) -> None:
        self.target = target
        self.statements = 0
        self.running: Cursor | None = None
        self._driver = driver
        self._line = line

    def begin(self) -> None:
        """Make the session ready and find out what the server is. Raises RemoteError."""
        self._batch(SESSION)
        (row,) = self.rows("server")
        self.about = About(*row)
        self.server = _server(self.about, self.target)

    @property
    def is_azure(self) -> bool:
        """Whether the server is an Azure SQL Database, where a connection knows one database only."""
        return self.about.engine_edition == AZURE_DATABASE

    @property
    def is_lost(self) -> bool:
        """Whether nothing more can be read: the line ended, or nobody waits for it any more."""
        return self._line.failure is not None or bool(self.target.interrupt.reason)

    def rows(self, noun: str, *, database: str = "") -> Rows:
        """All rows of the named statement, of one database where it is about one. Raises RemoteError."""
        return self.row_sets([noun], [database])[0]

    def row_sets(self, nouns: Sequence[str], databases: Sequence[str], *, row_limit: int = sys.maxsize) -> list[Rows]:
        """The rows of the named statements for each of the databases, in one round trip.

        They come database by database; of each statement no more than `row_limit`. Raises RemoteError.
        """
        version = self.server.number if hasattr(self, "server") else ()
        texts = []
        for database in databases:
            for noun in nouns:
                text = statements.text("dbms.sqlserver", noun, version).strip()
                if not READS.match(text):
                    raise SyncDataError(**self.target.address, detail="the session is read-only")
                texts.append(text.replace("{database}", bracketed(database)))
        sent = [(noun, {"database": database}) for database in databases for noun in nouns]
        with watched(self.target, *sent) as ended:
            return self._batch(";\n".join(texts), row_limit=row_limit, ended=ended)

    def _batch(
        self, text: str, *, row_limit: int = sys.maxsize, ended: Callable[[int], None] = lambda rows: None
    ) -> list[Rows]:
        from mssql_python import Error

        self.statements += 1
        self._line.expect(self.target.statement_timeout + 2)
        try:
            with closing(self._driver.cursor()) as cursor:
                self.running = cursor
                cursor.execute(text)
                found = []
                while True:
                    if cursor.description:
                        found.append(_fetched(cursor, row_limit))
                        ended(len(found[-1]))
                    if not cursor.nextset():
                        break
        except (Error, RuntimeError) as error:
            raise translate(error, self.target, line_failure=self._line.failure) from error
        finally:
            self.running = None
            self._line.relax()
        aborted = self.target.interrupt.error(self.target)
        if aborted is not None:  # a batch that was cancelled may look like one without further results
            raise aborted
        return found


@contextmanager
def connect(target: Target) -> Iterator[Connection]:
    """Open a connection with time-outs; `target.interrupt` can end it. Raises RemoteError."""
    driver, line = first_answer(target, partial(_attempt, target))
    connection = Connection(target=target, driver=driver, line=line)
    try:
        with target.interrupt.guard(cancel=lambda: _cancel(connection), disconnect=line.shut):
            connection.begin()
            yield connection
    finally:
        with suppress(Exception):  # the line may be gone already
            driver.close()
        line.shut()


def _cancel(connection: Connection) -> None:
    """Ask the server to end the running batch."""
    cursor = connection.running
    if cursor is not None and cursor.hstmt:
        cursor.hstmt._cancel()


def _attempt(target: Target, address: str, ca: str, seconds: float) -> tuple[Driver, Line]:
    import mssql_python

    mssql_python.pooling(enabled=False)
    line = Line(target, address, ca, seconds=seconds)
    try:
        driver = mssql_python.connect(
            server=f"{loopback.HOST},{line.port}",
            uid=target.username,
            pwd=target.password,
            database=target.database or DEFAULT_DATABASE,
            encrypt="no",  # the line does it
            connectretrycount="0",
            autocommit=True,
            timeout=math.ceil(seconds) + 1,  # the line gives up first
        )
    except (mssql_python.Error, RuntimeError, ValueError) as error:
        line.shut()
        raise rejection(error, target, answer=line.answer, line_failure=line.failure) from error
    driver.timeout = target.statement_timeout
    return driver, line


def _fetched(cursor: Cursor, row_limit: int) -> Rows:
    """The rows of a result set, the first ones of it where they are more.

    The driver clears room for as many rows as it is asked for, each as wide as its columns may become, whatever comes:
    so it is asked for few, for more where there are more, and for one to hear that there are none left.
    """
    found: Rows = []
    asked = FIRST_ROWS
    while len(found) < row_limit and (batch := cursor.fetchmany(min(asked, row_limit - len(found)))):
        found += map(tuple, batch)
        asked = 1 if len(batch) < asked else min(asked * GROWTH, BATCH_ROWS)
    return found


def _server(about: About, target: Target) -> Server:
    found = NUMBER.match(about.version or "")
    if found is None:
        raise ProtocolViolation(**target.address, detail=f"the server reports the version {about.version!r}")
    number = tuple(int(part) for part in found.groups())
    main, minimum = (".".join(map(str, parts)) for parts in (number, MINIMUM_VERSION))
    if number < MINIMUM_VERSION:
        raise VersionUnsupported(**target.address, version=main, minimum=minimum)
    full = f"Microsoft SQL Server {about.version} ({about.edition})"
    return Server(db_type="sqlserver", version=full, main_version=main, number=number)
