"""The contract suite's subject for an Oracle database of one's own, named by a DSN."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager, suppress
from typing import Any

import oracledb
import pytest

from dbms.base import Target
from tests.dbms.contract import Oracle, Subject

PASSWORD = "N0body-Knows"


class RealOracle(Subject):
    """Any Oracle database, or one pluggable database, that lets us in as an administrator."""

    key, sleep, write, names, settings = Oracle.key, Oracle.sleep, Oracle.write, Oracle.names, Oracle.settings
    longest_password = 30

    def __init__(self, host: str, port: int, username: str, password: str, service: str) -> None:
        self.host, self.port, self.username, self.password = host, port, username, password
        self._service = service
        self._users: list[str] = []

    def target(self, **changes: Any) -> Target:
        return super().target(**{"database": self._service, **changes})

    def run(self, *texts: str, parameters: Iterable[str] = ()) -> list[tuple]:
        """The rows of the last statement."""
        found: list[tuple] = []
        with (
            oracledb.connect(
                host=self.host, port=self.port, service_name=self._service, user=self.username, password=self.password
            ) as connection,
            connection.cursor() as cursor,
        ):
            for text in texts:
                cursor.execute(text, list(parameters))
                found = cursor.fetchall() if cursor.description else []
        return found

    def login(self, name: str, password: str, *, locked: bool = False) -> Target:
        if '"' in password:
            pytest.skip("no password of Oracle holds a double quote")
        self._users.append(name)
        self.run(
            f'CREATE USER "{name}" IDENTIFIED BY "{password}" ACCOUNT {"LOCK" if locked else "UNLOCK"}',
            f'GRANT CREATE SESSION TO "{name}"',
        )
        return self.target(username=f'"{name}"', password=password)

    def fill(self, names: Iterable[str]) -> set[tuple[str, str, bool]]:
        names = list(names)
        self._users += names
        self.run(*(f'CREATE USER "{name}" IDENTIFIED BY "{PASSWORD}"' for name in names))
        return {(name, "", False) for name in names}

    @contextmanager
    def received(self):
        pytest.skip("only the double writes down what it receives")
        yield []

    def sessions(self, username: str) -> list[str]:
        query = (
            "SELECT COALESCE(q.sql_text, ' ') FROM v$session s"
            " LEFT JOIN v$sql q ON q.sql_id = s.sql_id AND q.child_number = s.sql_child_number WHERE s.username = :1"
        )
        return [row[0] for row in self.run(query, parameters=[username])]

    def send(self, connection: Any, text: str) -> list[Any]:
        return connection._run(text, {}, None)

    def hashes(self) -> list[str]:
        try:
            return [row[0] for row in self.run("SELECT spare4 FROM sys.user$ WHERE spare4 IS NOT NULL")]
        except oracledb.DatabaseError as error:
            pytest.skip(f"the verifiers of this server are not ours to see: {error}")

    def databases(self) -> set[str]:
        return {row[0].lower() for row in self.run("SELECT table_name FROM user_tables")}

    def make_database(self, name: str) -> None:
        pytest.skip("a pluggable database takes gigabytes and minutes of somebody's server")

    def clean(self) -> None:
        for name in self._users:
            with suppress(oracledb.DatabaseError):
                self.run(f'DROP USER "{name}" CASCADE')
