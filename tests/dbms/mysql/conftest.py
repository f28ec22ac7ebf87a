"""Shorthands to set a scene on a MariaDB server, and a server that logs every statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import MySQLdb
import pytest

from dbms.base import Target
from tests.dbms.mysql.naming import backticked, grantee
from tests.dbms.mysql.show_grants import Words
from whalefall.demo import servers
from whalefall.demo.servers import MARIADB_SOCKET, ThrowawayServer

# What a test may have granted to PUBLIC, which nobody can drop.
TABLES_OF_GRANTS = ("global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "roles_mapping")


def target_of(server: ThrowawayServer, **changes) -> Target:
    """Where a test reads from: root without a password unless said otherwise."""
    values = {"username": server.superuser, "password": "", "connect_timeout": 5, "statement_timeout": 20}
    return Target(db_type="mysql", host=server.host, port=server.port, **{**values, **changes})


@contextmanager
def login(server: ThrowawayServer, user: str, host: str = "127.0.0.1", password: str = ""):
    """A cursor of a real login; from "localhost" it comes through the socket, as with every client."""
    options = {"host": host, "port": server.port}
    if host == "localhost":
        options = {"unix_socket": str(server.directory / MARIADB_SOCKET)}
    connection = MySQLdb.connect(user=user, password=password, charset="utf8mb4", connect_timeout=5, **options)
    try:
        connection.autocommit(True)
        yield connection.cursor()
    finally:
        connection.close()


class MariaDbScene:
    """Makes users, roles and databases on a server and takes them away again."""

    def __init__(self, server: ThrowawayServer) -> None:
        self.server = server
        self._root = MySQLdb.connect(
            host=server.host, port=server.port, user=server.superuser, charset="utf8mb4", autocommit=True
        )
        self._root.query("SET SESSION sql_log_off = 1")  # the general log shows what the reader sends, alone
        self._databases: list[str] = []
        self._users: list[tuple[str, str]] = []
        self._roles: list[str] = []
        self._touched_public = False

    def run(self, *statements: str) -> None:
        cursor = self._root.cursor()
        for statement in statements:
            cursor.execute(statement)

    def attempt(self, statement: str) -> int:
        """The number of the error that a statement ends with; 0 when it succeeds."""
        try:
            self.run(statement)
        except MySQLdb.Error as error:
            return error.args[0]
        return 0

    def rows(self, query: str, *parameters) -> list[tuple]:
        cursor = self._root.cursor()
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())

    def value(self, query: str, *parameters):
        return self.rows(query, *parameters)[0][0]

    def user(self, name: str, host: str = "%", options: str = "") -> str:
        """Make a user; returns it as a statement names it."""
        self.run(f"CREATE USER {grantee(name, host)} {options}")
        self._users.append((name, host))
        return grantee(name, host)

    def adopt(self, *names: str) -> None:
        """Take users away at the end that the test itself makes."""
        self._users += [(name, "%") for name in names]

    def role(self, name: str) -> str:
        self.run(f"CREATE ROLE {backticked(name)}")
        self._roles.append(name)
        return backticked(name)

    def database(self, name: str) -> str:
        self.run(f"CREATE DATABASE {backticked(name)}")
        self._databases.append(name)
        return backticked(name)

    def public(self) -> str:
        """PUBLIC as a statement names it, left without grants at the end."""
        self._touched_public = True
        return "PUBLIC"

    def may(self, statement: str, user: str, host: str = "127.0.0.1", password: str = "") -> bool:
        """Whether a real login is let in and may run the statement."""
        try:
            with login(self.server, user, host, password) as cursor:
                cursor.execute(statement)
                cursor.fetchall()
        except MySQLdb.Error:
            return False
        return True

    def clean(self) -> None:
        for name in self._databases:
            self.run(f"DROP DATABASE IF EXISTS {backticked(name)}")
        if self._users:
            self.run(f"DROP USER IF EXISTS {', '.join(grantee(*who) for who in self._users)}")
        if self._roles:
            self.run(f"DROP ROLE IF EXISTS {', '.join(map(backticked, self._roles))}")
        if self._touched_public:
            for table in TABLES_OF_GRANTS:
                self.run(f"DELETE FROM mysql.{table} WHERE User = 'PUBLIC' AND Host = ''")
            self.run("FLUSH PRIVILEGES")
        self._root.close()


@pytest.fixture
def scene(mariadb: ThrowawayServer) -> Iterator[MariaDbScene]:
    """A scene on the MariaDB server of the test run."""
    scene = MariaDbScene(mariadb)
    yield scene
    scene.clean()


@pytest.fixture(scope="session")
def words(mariadb: ThrowawayServer) -> Words:
    """Which privileges the server takes on each level, found out by trying each."""
    scene = MariaDbScene(mariadb)
    who = scene.user("tries everything")
    scene.database("trial")
    scene.run("CREATE TABLE trial.t (c int)", "CREATE PROCEDURE trial.p() SELECT 1")
    known = [privilege.upper() for privilege, *_ in scene.rows("SHOW PRIVILEGES")]

    def taken(template: str) -> frozenset[str]:
        accepted = {word for word in known if scene.attempt(template.format(word=word, who=who)) == 0}
        return frozenset(accepted - {"USAGE", "GRANT OPTION"})

    try:
        return Words(
            everywhere=taken("GRANT {word} ON *.* TO {who}"),
            database=taken("GRANT {word} ON trial.* TO {who}"),
            table=taken("GRANT {word} ON trial.t TO {who}"),
            column=taken("GRANT {word} (c) ON trial.t TO {who}"),
            routine=taken("GRANT {word} ON PROCEDURE trial.p TO {who}"),
        )
    finally:
        scene.clean()


@pytest.fixture(scope="session")
def logging_mariadb() -> Iterator[ThrowawayServer]:
    """A server that writes every statement into mysql.general_log and lets passwords expire after 90 days."""
    settings = {"general-log": "1", "log-output": "TABLE", "default-password-lifetime": "90"}
    script = "ALTER USER root@127.0.0.1 PASSWORD EXPIRE NEVER;\n"
    with servers.mariadb(servers.installed_mariadb(), settings=settings, script=script) as server:
        yield server


@pytest.fixture
def logging_scene(logging_mariadb: ThrowawayServer) -> Iterator[MariaDbScene]:
    """A scene on the server that logs."""
    scene = MariaDbScene(logging_mariadb)
    yield scene
    scene.clean()
