"""Whatever befalls a session over SQL Server or Oracle ends in time, with a code and a reason, and without a password.

The servers are doubles, the drivers are real. All that can go wrong goes wrong in one session, each fault at an
instance of its own, so that the waiting overlaps.
"""

from __future__ import annotations

import json
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from instances.models import Instance
from sessions_app import engine, services
from sessions_app.models import SyncInstanceRecord
from tests.dbms.conftest import Authority, oracle_certificate, other_ca, trusted_ca  # noqa: F401 - fixtures
from tests.dbms.peers import listener
from tests.dbms.sqlserver.catalogue import Catalogue
from tests.dbms.sqlserver.subject import tls_context
from tests.instances.factories import CredentialFactory, InstanceFactory
from tests.people import api
from tests.twins.oracle import session as oracle
from tests.twins.oracle.database import Database
from tests.twins.oracle.server import OracleServer, serving
from tests.twins.sqlserver import server as sqlserver
from tests.twins.sqlserver.server import TdsError, TdsServer
from whalefall.demo.servers import free_port

pytestmark = pytest.mark.django_db

SECONDS = 1  # to connect, and for each statement, where a fault is that time runs out
PATIENCE = 8  # where it is another, however busy the machine is
WAITING = ("silent listener", "slow query")
PASSWORD = "geheim für {}"
BANNER = b"220 mail.example ESMTP\r\n"

CONNECTION, TIMEOUT, DATA = "DATABASE_CONNECTION_ERROR", "DATABASE_TIMEOUT", "SYNC_DATA_ERROR"
FAULTS = {
    "refused port": (CONNECTION, "refused"),
    "silent listener": (TIMEOUT, "timeout"),
    "wrong protocol": (DATA, "protocol"),
    "tls refused": (CONNECTION, "tls"),
    "tls untrusted": (CONNECTION, "tls"),
    "unknown database": (CONNECTION, "database"),
    "wrong password": (CONNECTION, "auth"),
    "locked": (CONNECTION, "account_locked"),
    "expired password": (CONNECTION, "password_expired"),
    "no right to connect": (CONNECTION, "privilege"),
    "no right to read": (DATA, "privilege"),
    "dropped line": (DATA, "protocol"),
    "slow query": (TIMEOUT, "timeout"),
}


class Double(ABC):
    """A server that treats each login as its name says; `plain` is the port of one without TLS."""

    db_type: str
    port: int
    plain: int
    said: dict[str, Exception]  # what a login is refused with
    read: dict[str, Callable[..., object] | Exception]  # what befalls the statement about who exists

    def name(self, fault: str) -> str:
        return fault.upper().replace(" ", "_")

    @abstractmethod
    def add(self, fault: str, password: str) -> None:
        """Let somebody log in by the name of a fault."""


class SqlServer(Catalogue, Double):
    db_type = "sqlserver"
    said = {
        "locked": TdsError(18486, "Login failed: the account is currently locked out.", 14),
        "expired password": TdsError(18487, "Login failed: the password of the account has expired.", 14),
        "no right to connect": TdsError(916, "The server principal is not able to access the database.", 14),
    }
    read = {
        "no right to read": TdsError(297, "The user does not have permission to perform this action.", 14),
        "dropped line": sqlserver.LineDropped(),
        "slow query": lambda session: session.wait(30),
    }

    def add(self, fault: str, password: str) -> None:
        self.login(self.name(fault), password=password, refused_by=self.said.get(fault))

    def _rows(self, noun, session):
        fault = next((fault for fault in self.read if self.name(fault) == session.username), None)
        if noun == "principals" and fault:
            return befalls(self.read[fault], session)
        return super()._rows(noun, session)


class Oracle(Double):
    db_type = "oracle"
    said = {
        "locked": oracle.OracleError(28000, "The account is locked."),
        "expired password": oracle.OracleError(28001, "The password has expired."),
        "no right to connect": oracle.OracleError(1045, "user lacks CREATE SESSION privilege; logon denied"),
    }
    read = {
        "no right to read": oracle.OracleError(942, "table or view does not exist"),
        "dropped line": oracle.LineDropped(),
        "slow query": lambda session: session.wait(30),
    }

    def __init__(self, server: OracleServer) -> None:
        self._database = server.database
        server.fault("dba_users", self._befall)

    def add(self, fault: str, password: str) -> None:
        self._database.add_login(self.name(fault), password).refused = self.said.get(fault)

    def _befall(self, session: oracle.Session) -> None:
        fault = next((fault for fault in self.read if self.name(fault) == session.username), None)
        if fault:
            befalls(self.read[fault], session)


def befalls(what: Callable[..., object] | Exception, session: object) -> object:
    if isinstance(what, TdsError):  # which is answered with, not raised
        return what
    if isinstance(what, Exception):
        raise what
    return what(session)


@contextmanager
def sqlserver_double(ca: Authority, _certificate: ssl.SSLContext) -> Iterator[Double]:
    catalogue = SqlServer()
    with TdsServer(catalogue, tls=tls_context(ca)) as guarded, TdsServer(catalogue) as plain:
        catalogue.port, catalogue.plain = guarded.port, plain.port
        yield catalogue


@contextmanager
def oracle_double(_ca: Authority, certificate: ssl.SSLContext) -> Iterator[Double]:
    with serving(Database(), tls=certificate) as guarded, serving(Database()) as plain:
        double = Oracle(guarded)
        double.port, double.plain = guarded.port, plain.port
        yield double


@pytest.fixture(autouse=True)
def adapter(settings) -> None:
    """The adapters stay in their places; nothing is tried again, and everything at once."""
    settings.SYNC_ATTEMPTS = 1
    settings.SYNC_PER_HOST = len(FAULTS) + 1


@pytest.fixture(params=[sqlserver_double, oracle_double], ids=["sqlserver", "oracle"])
def double(request, trusted_ca, oracle_certificate) -> Iterator[Double]:  # noqa: F811 - fixtures
    with request.param(trusted_ca, oracle_certificate) as double:
        yield double


@pytest.fixture
def make(double, trusted_ca, other_ca) -> Iterator[Callable[[str], Instance]]:  # noqa: F811 - fixtures
    """An instance that a fault will befall; its password stands in nothing that is said of it."""
    with ExitStack() as opened:

        def instance(fault: str) -> Instance:
            password = PASSWORD.format(fault)
            double.add(fault, "another" if fault == "wrong password" else password)
            place = {
                "refused port": lambda: {"port": free_port()},
                "silent listener": lambda: {"port": opened.enter_context(listener(None))},
                "wrong protocol": lambda: {"port": opened.enter_context(listener(BANNER, speaks_first=True))},
                "tls refused": lambda: {"port": double.plain, "tls_mode": "require"},
                "tls untrusted": lambda: {"tls_mode": "verify", "tls_ca": other_ca.pem},
                "unknown database": lambda: {"database_name": "nowhere"},
            }.get(fault, lambda: {"tls_mode": "verify", "tls_ca": trusted_ca.pem})
            return InstanceFactory(
                name=fault, db_type=double.db_type,
                credential=CredentialFactory(username=double.name(fault), password=password),
                **{"host": "127.0.0.1", "port": double.port, "connect_timeout": seconds(fault),
                   "statement_timeout": seconds(fault), **place()},
            )  # fmt: skip

        yield instance


def seconds(fault: str) -> int:
    return SECONDS if fault in WAITING else PATIENCE


def test_every_fault_has_its_code_and_reason_in_time_and_costs_nobody_else_anything(make, caplog):
    caplog.set_level(0)
    for name in (*FAULTS, "well"):
        make(name)
    session = services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())
    engine.run(session=session)
    found = {record.instance_name: record for record in session.records.all()}
    well = found.pop("well")
    assert (well.status, well.message_code) == ("completed", "")
    assert {name: (record.message_code, record.reason) for name, record in found.items()} == FAULTS
    assert {record.status for record in found.values()} == {"failed"}
    suspended = set(Instance.objects.exclude(rejected_reason="").values_list("name", "rejected_reason"))
    assert suspended == {("wrong password", "auth"), ("locked", "account_locked"),
                         ("expired password", "password_expired")}  # fmt: skip
    lasted = {name: (record.completed_at - record.started_at).total_seconds() for name, record in found.items()}
    assert {name: lasting for name, lasting in lasted.items() if lasting > seconds(name) + 2} == {}
    assert min(lasted["silent listener"], lasted["slow query"]) > SECONDS * 0.9
    for name, record in found.items():
        assert record.error_message
        assert PASSWORD.format(name) not in told(record) + caplog.text


@pytest.mark.parametrize("fault", ["wrong password", "tls untrusted", "no right to read", "dropped line", "slow query"])
def test_a_single_run_over_rest_is_a_conflict_that_says_the_same(make, fault):
    answer = api("operator").post(f"/api/v1/instances/{make(fault).pk}/actions/sync-accounts")
    document, record = answer.json(), SyncInstanceRecord.objects.get()
    assert (answer.status_code, document["message_code"]) == (409, FAULTS[fault][0])
    assert (record.message_code, record.reason) == FAULTS[fault]
    assert document["message"] == record.error_message
    assert document["extra"]["result"]["status"] == "failed"
    assert PASSWORD.format(fault) not in answer.content.decode() + json.dumps(document, ensure_ascii=False)
    assert (record.completed_at - record.started_at).total_seconds() < seconds(fault) + 2


def told(record: SyncInstanceRecord) -> str:
    """All that a record says."""
    return json.dumps([record.error_message, record.error_params, record.sync_details], ensure_ascii=False)
