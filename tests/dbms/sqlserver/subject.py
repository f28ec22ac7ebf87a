"""The contract suite's subject for SQL Server: the double on the wire, with the real driver on the other side."""

from __future__ import annotations

import re
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from dbms.base import Target
from tests.dbms.conftest import Authority
from tests.dbms.contract import Subject
from tests.dbms.sqlserver.catalogue import SEPARATOR, SLEEP, Catalogue, patterns
from tests.twins.sqlserver.server import TdsError, TdsServer

LOCKED_OUT = (
    "Login failed for user '{}' because the account is currently locked out. The system administrator can unlock it."
)


def tls_context(authority: Authority, address: str = "127.0.0.1") -> ssl.SSLContext:
    certificate, key = authority.issue(address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # as TDS 7
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate + key)
        file.flush()
        context.load_cert_chain(file.name)
    return context


class SqlServer(Subject):
    """A double on the wire: it knows its catalogue from the scene, and the real driver knows no difference."""

    key = "sqlserver"
    sleep = SLEEP
    settings = (r"SET LANGUAGE us_english; SET LOCK_TIMEOUT 5000; SET DEADLOCK_PRIORITY LOW",)
    longest_password = 128
    marker = "/* whalefall */".encode("utf-16-le")

    def __init__(self, authority: Authority) -> None:
        self._catalogue = Catalogue()
        self._catalogue.database("tempdb", id=2)
        self._opened = ExitStack()
        self._server = self._opened.enter_context(TdsServer(self._catalogue, tls=tls_context(authority)))
        plain = self._opened.enter_context(TdsServer(self._catalogue))
        self.host, self.port, self.username, self.password = *self._server.server_address, "sa", "Secret-1"
        self.authority, self.plain = authority, (plain.host, plain.port)

    def files(self) -> list[re.Pattern[str]]:
        return list(patterns().values())

    def login(self, name: str, password: str, *, locked: bool = False) -> Target:
        refusal = TdsError(18486, LOCKED_OUT.format(name), 14) if locked else None
        self._catalogue.login(name, password=password, refused_by=refusal)
        return self.target(username=name, password=password)

    def fill(self, names: Iterable[str]) -> set[tuple[str, str, bool]]:
        return {(self._catalogue.login(name).name, "", False) for name in names}

    @contextmanager
    def received(self) -> Iterator[list[str]]:
        seen: list[str] = []
        before = len(self._server.received)
        yield seen
        seen += [text for batch in self._server.received[before:] for text in SEPARATOR.split(batch)]

    def sessions(self, username: str) -> list[str]:
        return [session.doing for session in list(self._server.sessions) if session.username == username]

    def hashes(self) -> list[str]:
        return [login.password_hash for login in self._catalogue.logins.values() if login.type == "S"]

    def databases(self) -> set[str]:
        return set(self._catalogue.databases)

    def make_database(self, name: str) -> None:
        self._catalogue.database(name)

    def clean(self) -> None:
        self._opened.close()
