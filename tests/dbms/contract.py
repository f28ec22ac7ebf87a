"""What the contract suite needs of a server. A new adapter joins by a Subject of its own and a line in SUBJECTS."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import MySQLdb
import pytest
from psycopg import sql

import dbms
from dbms import statements
from dbms.base import Adapter, Connection, Target
from tests.dbms.conftest import Authority, Scene, admin_of
from tests.dbms.mysql.naming import backticked
from tests.twins.oracle.server import OracleServer
from tests.twins.oracle.session import OracleError
from whalefall.demo.servers import ThrowawayServer

DSN_VARIABLE = "WHALEFALL_TEST_{}_DSN"  # of a server of one's own: "mysql://user:password@host:port/"
HOSTILE_NAMES = (
    "it's", 'say "hi"', "back\\slash", "%s %(x)s {host}", "two words", "пользователь", "Bob", "bob", "new\nline",
    "a@b", "`tick`", "-- comment", "a,b", "%", "_", " leading", "x;DROP TABLE t", "NULL", "</script>",
)  # fmt: skip


class Subject(ABC):
    """One adapter and a running server that this class sets scenes on, without the adapter's help."""

    key: ClassVar[str]
    sleep: ClassVar[str]  # a statement that takes a minute and may be run by anybody
    write: ClassVar[str] = "CREATE DATABASE whalefall_probe"
    names: ClassVar[tuple[str, ...]] = HOSTILE_NAMES
    longest_password: ClassVar[int] = 1_000
    marker: ClassVar[bytes] = b"/* whalefall */"  # of a statement, as it travels
    settings: ClassVar[tuple[str, ...]]  # patterns of all that is sent beside the files

    host: str
    port: int
    username: str  # may read everything
    password: str = ""
    authority: Authority | None = None  # who signed the server's certificate, for its address
    plain: tuple[str, int] | None = None  # a server without TLS
    process: subprocess.Popen[bytes] | None = None  # the server, when it is ours

    @property
    def adapter(self) -> Adapter:
        return dbms.get(self.key)

    def target(self, **changes: Any) -> Target:
        """Where the suite reads from: with every privilege unless said otherwise."""
        values = {"host": self.host, "port": self.port, "username": self.username, "password": self.password}
        return Target(db_type=self.key, **{**values, "connect_timeout": 5, "statement_timeout": 20, **changes})

    def files(self) -> list[re.Pattern[str]]:
        """What the server may receive: every statement of our files, with any value for its parameters."""
        return [_pattern(statement.text) for statement in statements.load(f"dbms.{self.key}")]

    @abstractmethod
    def login(self, name: str, password: str, *, locked: bool = False) -> Target:
        """Make a login without any grant."""

    @abstractmethod
    def fill(self, names: Iterable[str]) -> set[tuple[str, str, bool]]:
        """Make many accounts; answers their keys."""

    @abstractmethod
    def received(self) -> Any:
        """A context manager whose list holds, once it is left, the statements that the server got meanwhile."""

    @abstractmethod
    def sessions(self, username: str) -> list[str]:
        """What the server does for each session of a login at this moment."""

    def send(self, connection: Any, text: str) -> list[Any]:
        """Send a text past the adapter's files, by the adapter's own driver connection."""
        with connection._driver.cursor() as cursor:
            cursor.execute(text)
            return list(cursor.fetchall())

    @contextmanager
    def stopped(self) -> Iterator[Callable[[], None]]:
        """A function that stops every process of the server; they go on when the block is left."""
        held: list[int] = []

        def stop() -> None:
            pid = self.process.pid
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for each in (pid, *map(int, children)):
                os.kill(each, signal.SIGSTOP)
                held.append(each)

        try:
            yield stop
        finally:
            for each in held:
                os.kill(each, signal.SIGCONT)

    @abstractmethod
    def hashes(self) -> list[str]:
        """Every password hash that the server stores."""

    @abstractmethod
    def databases(self) -> set[str]: ...

    @abstractmethod
    def make_database(self, name: str) -> None:
        """An empty database, or what this server has in its place; it is gone after `clean()`."""

    @abstractmethod
    def clean(self) -> None: ...


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"%\([a-z_]+\)s", text.strip())
    return re.compile(r"(?:\$\d+|\d+|NULL|_binary'[^']*'|'(?:[^'\\]|\\.|'')*')".join(map(re.escape, parts)))


def _tail(path: Path, offset: int) -> str:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read().decode("utf-8", "backslashreplace")


class PostgreSql(Subject):
    key = "postgresql"
    sleep = "SELECT pg_sleep(60)"
    settings = (r"SET client_encoding TO SQL_ASCII",)  # to a server whose template database has no encoding

    def __init__(self, server: ThrowawayServer, ca: Authority, plain: ThrowawayServer) -> None:
        self.host, self.port, self.username = server.host, server.port, server.superuser
        self.authority, self.plain, self.process = ca, (plain.host, plain.port), server.process
        self._scene = Scene(server)
        self._log = server.directory / "log"

    def login(self, name: str, password: str, *, locked: bool = False) -> Target:
        self._scene.role(name, "NOLOGIN" if locked else "LOGIN")
        self._scene.run(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(password)))
        return self.target(username=name, password=password)

    def fill(self, names: Iterable[str]) -> set[tuple[str, str, bool]]:
        names = list(names)
        with admin_of(self._scene.server) as admin, admin.transaction():
            for name in names:
                admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
                self._scene.adopt_role(name)
        return {(name, "", False) for name in names}

    @contextmanager
    def received(self) -> Iterator[list[str]]:
        seen: list[str] = []
        offset = self._log.stat().st_size
        yield seen
        entries = re.split(r"^(?=\d{4}-\d\d-\d\d )", _tail(self._log, offset), flags=re.MULTILINE)
        for entry in entries:
            if found := re.search(r"\] LOG:  (?:statement|execute [^:]*): (.*)", entry, re.DOTALL):
                seen.append(found[1].replace("\n\t", "\n").strip())

    def sessions(self, username: str) -> list[str]:
        query = "SELECT CASE state WHEN 'active' THEN query ELSE '' END FROM pg_stat_activity WHERE usename = %s"
        with admin_of(self._scene.server) as admin:
            return [row[0] for row in admin.execute(query, [username])]

    def hashes(self) -> list[str]:
        with admin_of(self._scene.server) as admin:
            return [row[0] for row in admin.execute("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")]

    def databases(self) -> set[str]:
        with admin_of(self._scene.server) as admin:
            return {row[0] for row in admin.execute("SELECT datname FROM pg_database")}

    def make_database(self, name: str) -> None:
        self._scene.database(name)

    def clean(self) -> None:
        self._scene.clean()


class MySql(Subject):
    """Any MySQL or MariaDB server that lets us in as an administrator."""

    key = "mysql"
    # SLEEP as a column of its own would end with 1 instead of an error.
    sleep = "SELECT 1 FROM DUAL WHERE SLEEP(60) = 0"
    settings = (
        r"SET NAMES utf8mb4",  # the driver's own
        r"SET SESSION sql_mode = '', sql_select_limit = 18446744073709551615, lock_wait_timeout = 5",
        r"SET SESSION (max_statement_time|max_execution_time) = \d+",
        r"SET SESSION TRANSACTION READ ONLY",
        r"SET SESSION information_schema_stats_expiry = 0",  # to MySQL 8 and later
    )

    def __init__(self, host: str, port: int, username: str, password: str = "") -> None:
        self.host, self.port, self.username, self.password = host, port, username, password
        self._accounts: list[str] = []
        self._databases: list[str] = []

    def run(self, *texts: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """The rows of the last statement."""
        connection = MySQLdb.connect(
            host=self.host, port=self.port, user=self.username, password=self.password,
            charset="utf8mb4", ssl_mode="PREFERRED", autocommit=True,
        )  # fmt: skip
        try:
            with connection.cursor() as cursor:
                for text in texts:
                    cursor.execute(text, parameters)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def login(self, name: str, password: str, *, locked: bool = False) -> Target:
        self._accounts.append(name)
        lock = "LOCK" if locked else "UNLOCK"
        self.run(f"CREATE USER %s@'%%' IDENTIFIED BY %s ACCOUNT {lock}", parameters=[name, password])
        return self.target(username=name, password=password)

    def fill(self, names: Iterable[str]) -> set[tuple[str, str, bool]]:
        names = list(names)
        self._accounts += names
        self.run("CREATE USER " + ", ".join(["%s@'%%'"] * len(names)), parameters=names)
        return {(name, "%", False) for name in names}

    @contextmanager
    def received(self) -> Iterator[list[str]]:
        kept = self.run("SELECT @@GLOBAL.general_log, @@GLOBAL.log_output")[0]
        try:
            self.run("SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = 1")
        except MySQLdb.Error as error:
            pytest.skip(f"the general log of this server is not ours: {error}")
        seen: list[str] = []
        try:
            (since,) = self.run("SELECT NOW(6)")[0]
            ours = "SELECT thread_id FROM mysql.general_log WHERE event_time >= %s AND argument LIKE '%%NOW(6)%%'"
            yield seen
            query = (
                "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE event_time >= %s"
                f" AND command_type IN ('Query', 'Execute') AND thread_id NOT IN ({ours}) ORDER BY event_time"
            )
            seen += [row[0].strip() for row in self.run(query, parameters=[since, since])]
        finally:
            self.run(f"SET GLOBAL general_log = {kept[0]}", f"SET GLOBAL log_output = '{kept[1]}'")

    def sessions(self, username: str) -> list[str]:
        query = "SELECT COALESCE(INFO, '') FROM information_schema.PROCESSLIST WHERE USER = %s"
        return [row[0] for row in self.run(query, parameters=[username])]

    def hashes(self) -> list[str]:
        rows = self.run("SELECT DISTINCT authentication_string FROM mysql.user WHERE authentication_string <> ''")
        return [row[0] if isinstance(row[0], str) else row[0].decode("latin-1") for row in rows]

    def databases(self) -> set[str]:
        return {row[0] for row in self.run("SHOW DATABASES")}

    def make_database(self, name: str) -> None:
        self.run(f"CREATE DATABASE {backticked(name)}")
        self._databases.append(name)

    def clean(self) -> None:
        for name in self._databases:
            self.run(f"DROP DATABASE IF EXISTS {backticked(name)}")
        for name in self._accounts:
            with suppress(MySQLdb.Error):
                self.run("DROP USER %s@'%%'", parameters=[name])


class MariaDb(MySql):
    """A throw-away server, with its general log in a file."""

    def __init__(self, server: ThrowawayServer, ca: Authority, plain: ThrowawayServer) -> None:
        super().__init__(server.host, server.port, server.superuser)
        self.authority, self.plain, self.process = ca, (plain.host, plain.port), server.process
        self._log = server.directory / "data" / "general"

    @contextmanager
    def received(self) -> Iterator[list[str]]:
        seen: list[str] = []
        offset = self._log.stat().st_size
        yield seen
        # time (when it changed), connection, command, argument; the lines of an argument stand as they are
        start = r"^(?:\d{6} [ \d:]+)?\t+ *\d+ (?=[A-Z][A-Za-z ]+(?:\t|$))"
        for entry in re.split(start, _tail(self._log, offset), flags=re.MULTILINE)[1:]:
            command, _, argument = entry.partition("\t")
            if command in {"Query", "Execute", "Prepare"}:
                seen.append(argument.strip())


class Oracle(Subject):
    """The double of a CDB, which the real driver talks to in its root."""

    key = "oracle"
    sleep = "BEGIN DBMS_SESSION.SLEEP(60); END;"
    write = "CREATE TABLE whalefall_probe (c NUMBER)"
    names = tuple(name for name in HOSTILE_NAMES if '"' not in name)  # no name of Oracle holds a double quote
    settings = (r"SET TRANSACTION READ ONLY",)

    def __init__(self, server: OracleServer, ca: Authority, plain: OracleServer) -> None:
        self.host, self.port, self.username, self.password = "127.0.0.1", server.port, "SYSTEM", "manager"
        self.authority, self.plain = ca, ("127.0.0.1", plain.port)
        self._server = server

    def login(self, name: str, password: str, *, locked: bool = False) -> Target:
        login = self._server.database.add_login(name, password, account_status="LOCKED" if locked else "OPEN")
        if locked:
            login.refused = OracleError(28000, "The account is locked.")
        return self.target(username=f'"{name}"', password=password)

    def fill(self, names: Iterable[str]) -> set[tuple[str, str, bool]]:
        names = list(names)
        for name in names:
            self._server.database.add_login(name, "secret")
        return {(name, "", False) for name in names}

    @contextmanager
    def received(self) -> Iterator[list[str]]:
        seen: list[str] = []
        before = len(self._server.received)
        yield seen
        seen += [text.strip() for text in self._server.received[before:]]

    def sessions(self, username: str) -> list[str]:
        return [session.running for session in self._server.sessions(username)]

    def send(self, connection: Any, text: str) -> list[Any]:
        return connection._run(text, {}, None)  # the driver works within the connection's event loop only

    def hashes(self) -> list[str]:
        return self._server.database.hashes()

    def databases(self) -> set[str]:
        return self._server.database.created()

    def make_database(self, name: str) -> None:
        self._server.database.add_pdb(name)

    def clean(self) -> None:
        self._server.mend()


def _postgresql(request: pytest.FixtureRequest) -> Subject:
    server, ca, plain = (request.getfixturevalue(name) for name in ("guarded", "trusted_ca", "postgresql_installed"))
    return PostgreSql(server, ca, plain)


def _mariadb(request: pytest.FixtureRequest) -> Subject:
    server, ca, plain = (request.getfixturevalue(name) for name in ("guarded_mariadb", "trusted_ca", "mariadb"))
    return MariaDb(server, ca, plain)


def _real(kind: str) -> dict[str, Callable[[pytest.FixtureRequest], Subject]]:
    """The subject of a server that the environment names, if it names one."""
    dsn = os.environ.get(DSN_VARIABLE.format(kind.upper()))
    return {f"real {kind}": lambda _request: _at(kind, dsn)} if dsn else {}


def _at(kind: str, dsn: str) -> Subject:
    from tests.dbms.oracle.real import RealOracle  # which are Subjects
    from tests.dbms.sqlserver.real import RealSqlServer

    address = urlsplit(dsn)
    place = (address.hostname or "127.0.0.1", address.port or dbms.get(kind).default_port)
    login = (unquote(address.username or ""), unquote(address.password or ""))
    if kind == "oracle":
        return RealOracle(*place, *login, unquote(address.path.lstrip("/")))
    return {"mysql": MySql, "sqlserver": RealSqlServer}[kind](*place, *login)


def _sqlserver(request: pytest.FixtureRequest) -> Subject:
    from tests.dbms.sqlserver.subject import SqlServer  # which is a Subject

    return SqlServer(request.getfixturevalue("trusted_ca"))


def _oracle(request: pytest.FixtureRequest) -> Subject:
    ca = request.getfixturevalue("trusted_ca")
    return Oracle(request.getfixturevalue("oracle_server"), ca, request.getfixturevalue("oracle_without_tls"))


SUBJECTS: dict[str, Callable[[pytest.FixtureRequest], Subject]] = {
    "postgresql": _postgresql,
    "mariadb": _mariadb,
    "sqlserver": _sqlserver,
    "oracle": _oracle,
    **_real("mysql"),
    **_real("sqlserver"),
    **_real("oracle"),
}


def asking(monkeypatch: pytest.MonkeyPatch, connection: Connection, text: str) -> list[tuple[Any, ...]]:
    """Send a text as if it stood in one of the adapter's files."""
    with monkeypatch.context() as patch:
        patch.setattr(statements, "text", lambda *_args, **_options: text)
        return list(connection.rows("anything"))
