"""The contract suite's subject for a SQL Server of one's own, named by a DSN."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing, contextmanager, suppress

import mssql_python
import pytest

from dbms.base import Target
from tests.dbms.contract import HOSTILE_NAMES, Subject
from tests.dbms.sqlserver.catalogue import SLEEP
from tests.dbms.sqlserver.subject import SqlServer

PASSWORD = "N0body-Knows"


class RealSqlServer(Subject):
    """Any SQL Server that lets us in as an administrator."""

    key, settings, longest_password = SqlServer.key, SqlServer.settings, SqlServer.longest_password
    sleep = SLEEP

    def __init__(self, host: str, port: int, username: str, password: str) -> None:
        self.host, self.port, self.username, self.password = host, port, username, password
        self._logins: list[str] = []
        self._databases: list[str] = []
        ((collation,),) = self.run("SELECT CAST(SERVERPROPERTY('Collation') AS nvarchar(128))")
        is_case_sensitive = "_CS_" in collation or "_BIN" in collation
        # A backslash belongs to Windows logins alone.
        names = [name for name in HOSTILE_NAMES if "\\" not in name]
        self.names = tuple(names if is_case_sensitive else {name.casefold(): name for name in names}.values())

    def run(self, *texts: str, parameters: Iterable[str] = ()) -> list[tuple]:
        """The rows of the last statement."""
        found: list[tuple] = []
        with closing(
            mssql_python.connect(
                server=f"{self.host},{self.port}", uid=self.username, pwd=self.password, autocommit=True,
                encrypt="yes", trustservercertificate="yes",
            )
        ) as connection:  # fmt: skip
            for text in texts:
                with closing(connection.cursor()) as cursor:
                    cursor.execute(text, *parameters)
                    found = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        return found

    def _create(self, name: str, password: str) -> str:
        self._logins.append(name)
        bracketed, quoted = name.replace("]", "]]"), password.replace("'", "''")
        return f"CREATE LOGIN [{bracketed}] WITH PASSWORD = N'{quoted}', CHECK_POLICY = OFF"

    def login(self, name: str, password: str, *, locked: bool = False) -> Target:
        bracketed = name.replace("]", "]]")
        self.run(self._create(name, password), *([f"ALTER LOGIN [{bracketed}] DISABLE"] if locked else []))
        return self.target(username=name, password=password)

    def fill(self, names: Iterable[str]) -> set[tuple[str, str, bool]]:
        names = list(names)
        self.run(*(self._create(name, PASSWORD) for name in names))
        return {(name, "", False) for name in names}

    @contextmanager
    def received(self):
        pytest.skip("only the double writes down what it receives")
        yield []

    def sessions(self, username: str) -> list[str]:
        query = (
            "SELECT COALESCE(t.text, '') FROM sys.dm_exec_sessions AS s"
            " LEFT JOIN sys.dm_exec_requests AS r ON r.session_id = s.session_id"
            " OUTER APPLY sys.dm_exec_sql_text(r.sql_handle) AS t WHERE s.login_name = ?"
        )
        return [row[0] for row in self.run(query, parameters=[username])]

    def hashes(self) -> list[str]:
        query = "SELECT CONVERT(varchar(500), password_hash, 1) FROM sys.sql_logins WHERE password_hash IS NOT NULL"
        return [row[0] for row in self.run(query)]

    def databases(self) -> set[str]:
        return {row[0] for row in self.run("SELECT name FROM sys.databases")}

    def make_database(self, name: str) -> None:
        bracketed = name.replace("]", "]]")
        self._databases.append(name)
        self.run(f"CREATE DATABASE [{bracketed}]")

    def clean(self) -> None:
        for name in self._databases:
            bracketed = name.replace("]", "]]")
            with suppress(mssql_python.Error):
                self.run(f"DROP DATABASE [{bracketed}]")
        for name in self._logins:
            bracketed = name.replace("]", "]]")
            with suppress(mssql_python.Error):
                self.run(f"DROP LOGIN [{bracketed}]")
