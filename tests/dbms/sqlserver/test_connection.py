"""What the driver does not tell, the line to the server knows: why a login failed, and who is on the other side."""

from __future__ import annotations

import struct
import threading
import time

import pytest

from dbms.sqlserver.connection import _fetched
from tests.dbms.conftest import authority
from tests.dbms.contract import asking
from tests.dbms.peers import Proxy
from tests.dbms.sqlserver.catalogue import SLEEP, Catalogue
from tests.dbms.sqlserver.conftest import ADAPTER
from tests.dbms.sqlserver.subject import tls_context
from tests.twins.sqlserver import wire
from tests.twins.sqlserver.server import TdsError
from whalefall.errors import (
    AccountLocked,
    AnswerUnexplained,
    ConnectDenied,
    ConnectionRefused,
    ConnectionUnexplained,
    DatabaseClosed,
    DatabaseMissing,
    LoginRejected,
    PasswordExpired,
    PrivilegeMissing,
    RemoteError,
    RemoteTimeout,
    ServerRestarting,
    SyncDataError,
    TooManyConnections,
    VersionUnsupported,
)

ROUTED = struct.pack("<BHH", 0, 1433, 8) + "replica2".encode("utf-16-le")


def failure_of(scene, **changes) -> RemoteError:
    with pytest.raises(RemoteError) as caught, ADAPTER.connect(scene.target(**changes)):
        pass
    return caught.value


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (18456, LoginRejected),
        (18452, LoginRejected),
        (17892, LoginRejected),
        (18470, AccountLocked),
        (18486, AccountLocked),
        (18487, PasswordExpired),
        (18488, PasswordExpired),
        (4060, DatabaseMissing),
        (4064, DatabaseMissing),
        (916, ConnectDenied),
        (942, DatabaseClosed),
        (976, DatabaseClosed),
        (18461, TooManyConnections),
        (10928, TooManyConnections),
        (17142, ServerRestarting),
        (18401, ServerRestarting),
        (40613, ServerRestarting),
        (50001, ConnectionUnexplained),
    ],
)
def test_a_rejected_login_is_told_by_the_number_in_whatever_language_the_server_speaks(scene, number, expected):
    scene.catalogue.logins["sa"].refused_by = TdsError(number, "Fehler bei der Anmeldung für den Benutzer.", 14)
    error = failure_of(scene)
    assert (type(error), error.extra["errno"]) == (expected, number)
    assert "Fehler bei der Anmeldung" in error.params["detail"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("VIEW SERVER STATE permission was denied on object 'server', database 'master'.", PrivilegeMissing),
        ("The user does not have permission to perform this action.", PrivilegeMissing),
        ("Database 'sho]p' does not exist. Make sure that the name is entered correctly.", DatabaseMissing),
        ("Invalid object name 'sho]p.sys.database_files'.", DatabaseMissing),
        ("Lock request time out period exceeded.", RemoteTimeout),
        ("SHUTDOWN is in progress.", ServerRestarting),
        ("Invalid object name 'sys.server_principals'.", AnswerUnexplained),
    ],
)
def test_a_refused_statement_is_told_by_its_text(scene, text, expected):
    scene.catalogue._rows = lambda noun, session, rows=scene.catalogue._rows: (
        TdsError(297, text) if noun == "principals" else rows(noun, session)
    )
    with pytest.raises(expected) as caught:
        scene.read()
    assert type(caught.value) is expected
    assert caught.value.params["detail"] == text


def test_a_server_that_sends_its_clients_elsewhere_is_not_followed(scenes):
    scene = scenes(routing=wire.changed(20, struct.pack("<H", len(ROUTED)) + ROUTED, b"\0\0") + wire.done())
    error = failure_of(scene)
    assert type(error) is ConnectionRefused
    assert "replica2:1433" in error.params["detail"]


def test_a_password_never_travels_in_the_open_to_a_server_that_can_encrypt(scenes):
    certified = authority("trusted")
    scene = scenes(tls=tls_context(certified))
    scene.catalogue.login("ada", password="geheimes Wort")
    with Proxy((scene.server.host, scene.server.port)) as proxy:
        place = {"host": proxy.host, "port": proxy.port, "username": "ada", "password": "geheimes Wort"}
        with ADAPTER.connect(scene.target(**place)) as connection:
            assert scene.server.sessions[-1].is_encrypted
            connection.rows("databases")
    said = bytes(proxy.said)
    assert "ada".encode("utf-16-le") not in said
    assert "FROM sys.databases".encode("utf-16-le") in said


@pytest.mark.parametrize("password", [" {blank} ", "a;b=c}d{e'f\"g", "}", "{", "\t", "пароль😀", "x" * 128])
def test_a_password_arrives_as_it_is(scene, password):
    scene.catalogue.login("ada", password=password)
    with ADAPTER.connect(scene.target(username="ada", password=password)):
        assert [session.password for session in scene.server.sessions] == [password]


def test_a_password_that_is_too_long_for_any_server_is_rejected(scene):
    assert type(failure_of(scene, password="x" * 129)) is LoginRejected


@pytest.mark.parametrize("version", [(10, 50, 6000), (9, 0, 5000)])
def test_a_server_before_2012_is_told_apart(scenes, version):
    error = failure_of(scenes(Catalogue(version)))
    assert type(error) is VersionUnsupported
    assert (error.params["version"], error.params["minimum"]) == (".".join(map(str, version)), "11.0")


def test_a_server_that_falls_silent_ends_the_read_after_the_statement_time_out(scene):
    with Proxy((scene.server.host, scene.server.port)) as proxy:
        target = scene.target(host=proxy.host, port=proxy.port, statement_timeout=1)
        with ADAPTER.connect(target) as connection:
            proxy.freeze()
            began = time.monotonic()
            with pytest.raises(RemoteTimeout):
                connection.rows("databases")
            assert time.monotonic() - began < 1 + 2 + 2


@pytest.mark.parametrize("text", ["DROP TABLE t", "/* SELECT */ DELETE FROM t", "-- SELECT\nEXEC p",
                                  "SELECT 1 AS a INTO t"])  # fmt: skip
def test_nothing_is_sent_that_does_not_read(scene, monkeypatch, text):
    with ADAPTER.connect(scene.target()) as connection:
        before = list(scene.server.received)
        with pytest.raises(SyncDataError, match="read-only"):
            asking(monkeypatch, connection, text)
        assert scene.server.received == before


def test_no_thread_and_no_socket_is_left_behind(scene):
    with ADAPTER.connect(scene.target()):
        assert any(thread.name == "line to 127.0.0.1" for thread in threading.enumerate())
    give_up = time.monotonic() + 5
    while any(thread.name == "line to 127.0.0.1" for thread in threading.enumerate()):
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_slow_statement_is_ended_on_the_server(scene, monkeypatch):
    with ADAPTER.connect(scene.target(statement_timeout=1)) as connection:
        with pytest.raises(RemoteTimeout):
            asking(monkeypatch, connection, SLEEP)
        assert [session.doing for session in scene.server.sessions] == [""]
        assert connection.rows("databases")


class Rows:
    """A cursor over numbers, that remembers for how many rows it was asked."""

    def __init__(self, number: int) -> None:
        self.left, self.asked = list(range(number)), []

    def fetchmany(self, number: int) -> list[list[int]]:
        self.asked.append(number)
        given, self.left = self.left[:number], self.left[number:]
        return [[row] for row in given]


@pytest.mark.parametrize("number", [0, 1, 15, 16, 17, 143, 144, 145, 1144, 5000])
@pytest.mark.parametrize("row_limit", [1, 16, 20, 144, 10_000])
def test_all_rows_come_up_to_the_limit_however_many_are_fetched_at_once(number, row_limit):
    rows = Rows(number)
    assert _fetched(rows, row_limit) == [(row,) for row in range(min(number, row_limit))]
    assert len(rows.asked) <= 3 + number // 1000 + 1


def test_room_is_made_for_few_rows_until_there_are_more():
    rows = Rows(10)
    _fetched(rows, 200_000)
    assert rows.asked == [16, 1]
    rows = Rows(3000)
    _fetched(rows, 200_000)
    assert rows.asked == [16, 128, 1000, 1000, 1000, 1]
