"""What is particular to MySQL and MariaDB beside the contract: what the error numbers mean, and what is too old."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import MySQLdb
import pytest

from dbms.base import Target
from dbms.mysql import failures
from dbms.mysql import greeting as offers
from dbms.mysql.connection import connect
from tests.dbms.contract import SUBJECTS, MariaDb, asking
from tests.dbms.peers import listener
from whalefall import messages
from whalefall.errors import (
    AccountLocked,
    ConnectDenied,
    ConnectionRefused,
    ConnectionUnexplained,
    FetchCancelled,
    LoginRejected,
    PasswordExpired,
    PrivilegeMissing,
    ProtocolViolation,
    RemoteError,
    RemoteTimeout,
    TlsFailed,
    TooManyConnections,
    VersionUnsupported,
)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[MariaDb]:
    server = SUBJECTS["mariadb"](request)
    yield server
    server.clean()


def failure_of(target: Target) -> RemoteError:
    with pytest.raises(RemoteError) as caught, connect(target):
        pass
    return caught.value


def hint_of(error: RemoteError) -> str:
    return messages.hint(error.message_code, error.reason, error.params)


def packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


def error_packet(number: int, text: str, *, position: int = 0) -> bytes:
    """What a server says when it refuses somebody."""
    state = b"" if position == 0 else b"#HY000"  # not yet known to be understood
    return packet(position, b"\xff" + struct.pack("<H", number) + state + text.encode())


def greeting(version: str) -> bytes:
    body = b"\x0a" + version.encode() + b"\0" + struct.pack("<I", 1) + b"12345678\0"
    # CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION; utf8mb4; autocommit; PLUGIN_AUTH
    body += struct.pack("<HBHHB", 0xA208, 45, 2, 0x0008, 21) + b"\0" * 10 + b"123456789012\0mysql_native_password\0"
    return packet(0, body)


def text_rows(rows: list[tuple[str, str]]) -> bytes:
    """A result of two columns in the text protocol."""

    def short(text: bytes) -> bytes:
        return bytes([len(text)]) + text

    end = b"\xfe\0\0\x02\0"
    column = short(b"def") + short(b"") * 3 + short(b"c") * 2 + b"\x0c" + struct.pack("<HIBHBH", 45, 1020, 253, 0, 0, 0)
    bodies = [b"\x02", column, column, end]
    bodies += [short(name.encode()) + short(value.encode()) for name, value in rows] + [end]
    return b"".join(packet(number + 1, body) for number, body in enumerate(bodies))


@contextmanager
def server_of_version(version: str) -> Iterator[int]:
    """A server that lets everybody in and tells nothing but its version."""
    okay = b"\0\0\0\x02\0\0\0"
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            peer, _ = listening.accept()
            with peer, suppress(ConnectionError):
                peer.sendall(greeting(version))
                peer.recv(4096)
                peer.sendall(packet(2, okay))
                while said := peer.recv(65536):
                    variables = [("version", version.removeprefix("5.5.5-")), ("version_comment", "")]
                    peer.sendall(text_rows(variables) if b"whalefall" in said else packet(1, okay))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


def at(port: int, **changes) -> Target:
    return Target(db_type="mysql", host="127.0.0.1", port=port, username="u", password="p", **changes)


class TestVersion:
    @pytest.mark.parametrize(
        ("version", "shown"),
        [("5.6.51", "5.6.51"), ("5.7.5", "5.7.5"), ("5.5.5-10.3.39-MariaDB-log", "10.3.39")],
    )
    def test_that_is_too_old_is_named(self, version, shown):
        with server_of_version(version) as port:
            error = failure_of(at(port))
        assert (type(error), error.transient) == (VersionUnsupported, False)
        assert shown in str(error)
        assert hint_of(error)

    @pytest.mark.parametrize(
        ("version", "number", "fork"),
        [
            ("5.7.44-log", (5, 7, 44), ""),
            ("8.0.36", (8, 0, 36), ""),
            ("9.5.0-commercial", (9, 5, 0), ""),
            ("5.5.5-10.4.34-MariaDB", (10, 4, 34), "mariadb"),
            ("11.8.2-MariaDB-ubu2404", (11, 8, 2), "mariadb"),
        ],
    )
    def test_that_is_supported_is_understood(self, version, number, fork):
        with server_of_version(version) as port, connect(at(port)) as connection:
            assert (connection.server.number, connection.server.fork) == (number, fork)
            assert connection.server.main_version == ".".join(map(str, number))

    def test_that_is_none_is_a_broken_protocol(self):
        with server_of_version("the newest") as port:
            assert type(failure_of(at(port))) is ProtocolViolation


class TestLogin:
    def test_through_a_plugin_that_asks_for_no_password_is_rejected(self, server):
        target = server.login("socket_only", "right")
        server.run("ALTER USER socket_only IDENTIFIED VIA unix_socket")
        error = failure_of(target)
        assert (type(error), error.extra["errno"]) == (LoginRejected, 1698)

    @pytest.mark.parametrize(("policy", "number"), [("0", 1820), ("1", 1862)])
    def test_with_an_expired_password_is_no_rejected_password(self, server, policy, number):
        target = server.login("expired", "right")
        server.run("ALTER USER expired PASSWORD EXPIRE", f"SET GLOBAL disconnect_on_expired_password = {policy}")
        try:
            error = failure_of(target)
        finally:
            server.run("SET GLOBAL disconnect_on_expired_password = DEFAULT")
        assert (type(error), error.extra["errno"], error.transient) == (PasswordExpired, number, False)

    def test_beyond_the_limit_of_the_account_is_refused_for_now(self, server):
        target = server.login("crowded", "right")
        server.run("ALTER USER crowded WITH MAX_USER_CONNECTIONS 1")
        with connect(target):
            error = failure_of(target)
        assert (type(error), error.extra["errno"], error.transient) == (TooManyConnections, 1226, True)

    def test_beyond_the_limit_of_all_accounts_is_refused_for_now(self, server):
        target = server.login("crowded", "right")
        (limit,) = server.run("SELECT @@GLOBAL.max_user_connections")[0]
        server.run("SET GLOBAL max_user_connections = 1")
        try:
            with connect(target):
                error = failure_of(target)
        finally:
            server.run(f"SET GLOBAL max_user_connections = {limit}")
        assert (type(error), error.extra["errno"], error.transient) == (TooManyConnections, 1203, True)

    def test_of_an_account_that_may_come_by_tls_only_says_what_to_check(self, server):
        target = server.login("tls_only", "right")
        server.run("ALTER USER tls_only REQUIRE SSL")
        error = failure_of(target)  # the server tells it like a wrong password
        assert error.message_code == "DATABASE_CONNECTION_ERROR"
        assert hint_of(error)
        with connect(replace(target, tls_mode="require")):
            pass

    @pytest.mark.parametrize("name", ["plain", "it's", "back`tick", "a_b", "{host}"])
    def test_to_a_database_without_any_grant_tells_the_statement_that_opens_it(self, server, name):
        quoted = "`" + name.replace("`", "``") + "`"
        target = server.login("stranger", "right")
        server.run(f"CREATE DATABASE {quoted}")
        try:
            error = failure_of(replace(target, database=name))
            assert (type(error), error.extra["errno"], error.transient) == (ConnectDenied, 1044, False)
            assert error.params["statement"] in hint_of(error)
            server.run(error.params["statement"])
            with connect(replace(target, database=name)):
                pass
        finally:
            server.run(f"DROP DATABASE {quoted}")

    @pytest.mark.parametrize(
        ("number", "text", "expected", "transient"),
        [
            (1040, "Too many connections", TooManyConnections, True),
            (1129, "Host '10.0.0.1' is blocked because of many connection errors", ConnectionRefused, True),
            (1130, "Host '10.0.0.1' is not allowed to connect to this MySQL server", LoginRejected, False),
        ],
    )
    def test_that_ends_before_the_greeting_says_why(self, number, text, expected, transient):
        with listener(error_packet(number, text), speaks_first=True) as port:
            error = failure_of(at(port))
        assert (type(error), error.extra["errno"], error.transient) == (expected, number, transient)
        assert hint_of(error)

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (3118, AccountLocked),
            (3955, AccountLocked),
            (3159, TlsFailed),
            (1862, PasswordExpired),
            (1045, LoginRejected),
        ],
    )
    def test_that_mysql_refuses_says_why(self, number, expected):
        with listener(greeting("8.0.36") + error_packet(number, "no", position=2), speaks_first=True) as port:
            error = failure_of(at(port))
        assert (type(error), error.extra["errno"]) == (expected, number)

    def test_by_the_name_localhost_goes_to_the_port(self, server):
        with connect(server.target(host="localhost")) as connection:
            assert connection.rows("variables")

    def test_by_the_name_localhost_is_not_let_through_when_the_certificate_is_for_the_address(self, server):
        error = failure_of(server.target(host="localhost", tls_mode="verify", tls_ca=server.authority.pem))
        assert type(error) is TlsFailed
        assert "socket" not in str(error)

    def test_leaves_no_certificate_file_behind(self, server, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with connect(server.target(tls_mode="verify", tls_ca=server.authority.pem)):
            assert os.listdir(tmp_path) == []


class TestSession:
    def test_has_its_limits_whatever_the_server_has_set(self, server, monkeypatch):
        server.run("SET GLOBAL sql_mode = 'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH'")
        try:
            with connect(server.target(statement_timeout=7)) as connection:
                query = "SELECT @@sql_mode, @@max_statement_time, @@tx_read_only, @@character_set_client"
                ((mode, limit, read_only, charset),) = asking(monkeypatch, connection, query)
        finally:
            server.run("SET GLOBAL sql_mode = DEFAULT")
        assert (mode, float(limit), int(read_only), charset) == ("", 7.0, 1, "utf8mb4")

    @pytest.mark.parametrize(
        "statement", ["CREATE USER probe", "GRANT SELECT ON *.* TO root@127.0.0.1", "DELETE FROM mysql.db"]
    )
    def test_cannot_change_an_account(self, server, monkeypatch, statement):
        with connect(server.target()) as connection, pytest.raises(RemoteError, match="READ ONLY") as caught:
            asking(monkeypatch, connection, statement)
        assert caught.value.extra["errno"] == 1792

    def test_does_not_run_a_second_statement_behind_the_first(self, server, monkeypatch):
        with connect(server.target()) as connection, pytest.raises(RemoteError) as caught:
            asking(monkeypatch, connection, "SELECT 1; SELECT 2")
        assert caught.value.extra["errno"] == 1064

    def test_whose_statement_somebody_kills_may_be_tried_again(self, server, monkeypatch):
        error = self._ended_by("KILL QUERY", server, monkeypatch)
        assert (type(error), error.transient) == (ProtocolViolation, True)

    def test_that_somebody_kills_may_be_tried_again(self, server, monkeypatch):
        error = self._ended_by("KILL", server, monkeypatch)
        assert (type(error), error.transient) == (ProtocolViolation, True)

    def _ended_by(self, command: str, server: MariaDb, monkeypatch: pytest.MonkeyPatch) -> RemoteError:
        with connect(server.target()) as connection:
            ((thread,),) = asking(monkeypatch, connection, "SELECT CONNECTION_ID()")
            killer = threading.Thread(target=self._kill_when_busy, args=(command, server, thread), daemon=True)
            killer.start()
            with pytest.raises(RemoteError) as caught:
                asking(monkeypatch, connection, server.sleep)
            killer.join(5)
        return caught.value

    def _kill_when_busy(self, command: str, server: MariaDb, thread: int) -> None:
        query = "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = %s AND INFO LIKE '%%SLEEP(60)%%'"
        give_up = time.monotonic() + 5
        while not server.run(query, parameters=[thread]) and time.monotonic() < give_up:
            time.sleep(0.02)
        server.run(f"{command} {int(thread)}")

    def test_that_waits_for_a_lock_gives_up_in_time(self, server):
        holder = MySQLdb.connect(host=server.host, port=server.port, user=server.username)
        try:
            holder.query("LOCK TABLES mysql.global_priv WRITE")
            with connect(server.target(statement_timeout=1)) as connection:
                began = time.monotonic()
                with pytest.raises(RemoteTimeout):
                    server.adapter.read_accounts(connection)
                assert time.monotonic() - began < 1 + 2
        finally:
            holder.close()


class TestStatement:
    def test_that_lacks_a_grant_names_it(self, server, monkeypatch):
        with connect(server.login("reader", "right")) as connection, pytest.raises(PrivilegeMissing) as caught:
            asking(monkeypatch, connection, "SELECT User FROM mysql.global_priv")
        assert caught.value.extra["errno"] == 1142
        assert "global_priv" in str(caught.value)


class TestInterrupt:
    def test_cancels_a_bare_sleep_that_answers_with_a_row(self, server, monkeypatch):
        # Here KILL QUERY ends the statement with a result, or with an error: neither may pass for an answer.
        target = server.target()
        began = time.monotonic()
        with connect(target) as connection:
            timer = threading.Timer(0.3, target.interrupt.fire, args=("cancelled",))
            timer.start()
            with pytest.raises(FetchCancelled):
                asking(monkeypatch, connection, "SELECT SLEEP(60)")
            timer.join(5)
        assert time.monotonic() - began < 0.3 + 2


def test_whatever_a_failure_is_told_as_it_has_a_reason_and_a_hint():
    told = set(failures.BY_NUMBER.values())
    assert {error for error in told if not (error.reason and error.hint)} == set()


@pytest.mark.parametrize("plugin", ["mysql_clear_password", "dialog"])
def test_no_server_ever_gets_a_plain_password(plugin):
    """It may ask for one by switching to another plugin."""
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            peer, _ = listening.accept()
            with peer, suppress(OSError):
                peer.settimeout(2)
                peer.sendall(greeting("8.0.36"))
                heard.extend(peer.recv(4096))
                switch = b"\xfe" + plugin.encode() + b"\0" + b"Password: \0"
                peer.sendall(packet(2, switch))
                while more := peer.recv(4096):
                    heard.extend(more)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        error = failure_of(replace(at(listening.getsockname()[1]), password="TopSecret1"))
        thread.join(5)
    assert type(error) is ConnectionUnexplained
    assert heard
    assert b"TopSecret1" not in heard


def test_a_server_is_asked_once_whether_it_encrypts(server):
    offers._offering.clear()
    before = int(dict(server.run("SHOW GLOBAL STATUS LIKE 'Aborted_connects'"))["Aborted_connects"])
    for _ in range(3):
        with connect(server.target(tls_mode="require")):
            pass
    after = int(dict(server.run("SHOW GLOBAL STATUS LIKE 'Aborted_connects'"))["Aborted_connects"])
    assert after - before <= 1
