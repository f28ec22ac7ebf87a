"""What is particular to PostgreSQL beside the contract: each way in which a login can fail has its own error."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg
import pytest
from psycopg import sql

from dbms.base import APPLICATION_NAME, Interrupt
from dbms.postgresql import failures
from dbms.postgresql.connection import connect
from dbms.postgresql.failures import translate
from tests.dbms.conftest import Scene, admin_of, target_of
from tests.dbms.peers import Proxy, listener
from whalefall import messages
from whalefall.errors import (
    AccountLocked,
    AnswerUnexplained,
    ConnectDenied,
    ConnectionUnexplained,
    DatabaseClosed,
    DatabaseMissing,
    FetchCancelled,
    LoginRejected,
    PrivilegeMissing,
    ProtocolViolation,
    RemoteError,
    RemoteTimeout,
    ServerRestarting,
    TlsFailed,
    TooManyConnections,
    VersionUnsupported,
)


@pytest.fixture
def scene(guarded) -> Iterator[Scene]:
    scene = Scene(guarded)
    yield scene
    scene.clean()


@pytest.fixture
def login(scene):
    """Makes a login with a password; answers its target."""

    def make(name: str, password: str, options: str = "LOGIN", **changes):
        scene.role(name, options)
        scene.run(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(password)))
        return target_of(scene.server, username=name, password=password, **changes)

    return make


@dataclass(frozen=True)
class _At:
    """An address that is no throw-away server's."""

    port: int
    host: str = "127.0.0.1"
    superuser: str = "postgres"


def failure_of(target) -> RemoteError:
    with pytest.raises(RemoteError) as caught, connect(target):
        pass
    return caught.value


def failure_told(text: str) -> RemoteError:
    """What a server's refusal means. Its SQLSTATE never reaches us: libpq hands out the text only."""
    body = b"SFATAL\0C00000\0M" + text.encode() + b"\0\0"
    with listener(b"E" + struct.pack("!I", len(body) + 4) + body) as port:
        return failure_of(target_of(_At(port)))


def hint_of(error: RemoteError) -> str:
    return messages.hint(error.message_code, error.reason, error.params)


class TestLogin:
    def test_tells_the_version_without_a_statement(self, postgresql):
        with connect(target_of(postgresql)) as connection:
            assert connection.statements == 0
            server = connection.server
        with admin_of(postgresql) as admin:
            number = int(admin.execute("SHOW server_version_num").fetchone()[0])
            version = admin.execute("SHOW server_version").fetchone()[0]
        assert server.number == (number // 10000, number % 10000)
        assert server.main_version == version.split()[0]
        assert server.version == f"PostgreSQL {version}"

    def test_without_a_password_is_rejected_though_a_password_file_knows_it(self, login, tmp_path, monkeypatch):
        target = login("reader", "right")
        file = tmp_path / "pgpass"
        file.write_text("*:*:*:*:right\n")
        file.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(file))
        assert type(failure_of(replace(target, password=""))) is LoginRejected

    def test_of_a_role_that_does_not_exist_is_rejected_where_no_password_is_asked_for(self, guarded):
        assert type(failure_of(target_of(guarded, username="passwordless", password="x"))) is LoginRejected

    def test_turned_away_by_an_address_rule_is_rejected(self, login):
        target = login("unwanted", "right", tls_mode="require")
        assert type(failure_of(target)) is LoginRejected

    def test_to_a_database_that_an_interrupted_drop_left_behind_is_as_to_a_missing_one(self, scene):
        scene.database("half_gone")
        scene.run("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half_gone'")
        error = failure_of(target_of(scene.server, database="half_gone"))
        assert type(error) is DatabaseMissing
        assert "invalid database" in str(error)

    @pytest.mark.parametrize("name", ["plain", 'Say "hi"', "{host}", "new\nline"])
    def test_to_a_closed_database_tells_the_statement_that_opens_it(self, scene, login, name):
        scene.database(name, "ALLOW_CONNECTIONS false")
        target = login("reader", "right", database=name)
        error = failure_of(target)
        assert (type(error), error.transient) == (DatabaseClosed, False)
        scene.run(error.params["statement"])
        assert error.params["statement"] in hint_of(error)
        with connect(target):
            pass

    @pytest.mark.parametrize("name", ["plain", 'Say "hi"', "{host}", "new\nline", "back\\slash\t"])
    def test_to_a_database_without_connect_tells_the_statement_that_grants_it(self, scene, login, name):
        scene.database(name)
        scene.run(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        target = login(f"stranger to {name}", "right", database=name)
        error = failure_of(target)
        assert (type(error), error.transient) == (ConnectDenied, False)
        assert error.params["statement"].startswith("GRANT CONNECT ON DATABASE ")
        scene.run(error.params["statement"])
        assert error.params["statement"] in hint_of(error)
        with connect(target):
            pass

    def test_beyond_the_connection_limit_is_refused_for_now(self, login):
        error = failure_of(login("crowded", "right", "LOGIN CONNECTION LIMIT 0"))
        assert (type(error), error.transient) == (TooManyConnections, True)
        assert 'for role "crowded"' in str(error)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("the database system is starting up", ServerRestarting),
            ("the database system is shutting down", ServerRestarting),
            ("terminating connection due to administrator command", ServerRestarting),
            ("sorry, too many clients already", TooManyConnections),
            ("remaining connection slots are reserved for roles with the SUPERUSER attribute", TooManyConnections),
        ],
    )
    def test_to_a_server_that_takes_nobody_for_now_may_succeed_later(self, text, expected):
        error = failure_told(text)
        assert (type(error), error.transient) == (expected, True)
        assert text in str(error)

    def test_that_fails_as_nobody_foresaw_says_what_the_server_said(self):
        error = failure_told("the moon is full")
        assert (type(error), error.reason, error.transient) == (ConnectionUnexplained, "other", False)
        assert "the moon is full" in str(error)

    @pytest.mark.parametrize(
        "database", ["it's", 'say "hi"', "a = b host=/tmp", "back\\slash", "новая", "x y", "%s", "-c", "new\nline"]
    )
    def test_reaches_databases_with_hostile_names(self, scene, database):
        scene.database(database)
        with connect(target_of(scene.server, database=database)) as connection:
            assert connection._driver.execute("SELECT current_database()").fetchone()[0] == database


class TestNetwork:
    def test_all_addresses_of_a_host_share_the_connect_timeout(self, monkeypatch):
        with listener(None) as port:
            addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", port)) for n in (1, 1, 1)]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: addresses)
            began = time.monotonic()
            error = failure_of(target_of(_At(port, "many.invalid"), connect_timeout=2))
            assert time.monotonic() - began < 3
        assert type(error) is RemoteTimeout

    def test_the_next_address_is_tried_when_one_refuses(self, guarded, monkeypatch):
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, guarded.port))
            for address in ("127.0.0.9", "127.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: addresses)
        with connect(target_of(_At(guarded.port, "two.invalid"))) as connection:
            assert connection.rows("databases")

    def test_a_silent_name_server_ends_at_the_connect_timeout(self, monkeypatch):
        answered = threading.Event()

        def resolve(*_args, **_options):
            answered.wait(10)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        began = time.monotonic()
        error = failure_of(target_of(_At(5432, "slow.invalid"), connect_timeout=1))
        assert time.monotonic() - began < 2
        answered.set()
        assert type(error) is RemoteTimeout

    @pytest.mark.parametrize(
        ("tls_mode", "banner"),
        [
            ("disable", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
            ("disable", b"J\0\0\0\n8.0.36\0"),  # MySQL
            ("require", b"J\0\0\0\n8.0.36\0"),
        ],
    )
    def test_another_protocol_is_told_apart(self, tls_mode, banner):
        with listener(banner) as port:
            assert type(failure_of(target_of(_At(port), tls_mode=tls_mode))) is ProtocolViolation

    def test_a_server_that_is_too_old_is_named_with_its_version(self):
        def message(kind: bytes, body: bytes) -> bytes:
            return kind + struct.pack("!I", len(body) + 4) + body

        greeting = (
            message(b"R", struct.pack("!I", 0))
            + message(b"S", b"server_version\x009.5.25\0")
            + message(b"S", b"server_encoding\0UTF8\0")
            + message(b"S", b"client_encoding\0UTF8\0")
            + message(b"Z", b"I")
        )
        with listener(greeting) as port:
            error = failure_of(target_of(_At(port)))
        assert type(error) is VersionUnsupported
        assert "9.5.25" in str(error)
        assert "9.6" in str(error)

    def test_a_server_that_does_not_know_our_settings_is_too_old(self):
        body = b'SFATAL\0C42704\0Munrecognized configuration parameter "idle_in_transaction_session_timeout"\0\0'
        with listener(b"E" + struct.pack("!I", len(body) + 4) + body) as port:
            assert type(failure_of(target_of(_At(port)))) is VersionUnsupported

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('用户 "x" Password 认证失败', LoginRejected),
            ('不允许角色"x" 进行登录', AccountLocked),
            ('数据库 "x" 不存在', DatabaseMissing),
            ('数据库 "x" 当前不接受联接', DatabaseClosed),
            ('访问数据库 "x" 的权限不够', ConnectDenied),
            ("数据库系统启动中", ServerRestarting),
            ("对不起, 已经有太多的客户", TooManyConnections),
            ('没有用于主机 "::1", 用户 "x", 数据库 "x" 的 pg_hba.conf 记录', LoginRejected),
        ],
    )
    def test_a_server_that_speaks_chinese_is_understood(self, text, expected):
        assert type(failure_told(text)) is expected


class TestTls:
    def tls_in_use(self, connection) -> bool:
        return connection._driver.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()[0]

    def test_for_another_name_is_not_accepted(self, guarded, trusted_ca, monkeypatch):
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", guarded.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: addresses)
        target = target_of(_At(guarded.port, "db.example"), tls_mode="verify", tls_ca=trusted_ca.pem)
        assert type(failure_of(target)) is TlsFailed

    def test_demanded_by_the_server_is_not_a_rejected_password(self, login):
        target = login("tls_only", "right")
        assert type(failure_of(target)) is TlsFailed
        with connect(replace(target, tls_mode="require")):
            pass

    def test_leaves_no_certificate_file_behind(self, guarded, trusted_ca, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with connect(target_of(guarded, tls_mode="verify", tls_ca=trusted_ca.pem)):
            assert os.listdir(tmp_path) == []

    def test_ignores_the_home_directory(self, guarded, other_ca, tmp_path, monkeypatch):
        folder = tmp_path / ".postgresql"
        folder.mkdir()
        (folder / "root.crt").write_text(other_ca.pem)  # would make `require` check against it
        monkeypatch.setenv("HOME", str(tmp_path))
        with connect(target_of(guarded, tls_mode="require")) as connection:
            assert self.tls_in_use(connection)


class TestPassword:
    def test_is_taken_out_of_what_a_driver_says(self):
        target = target_of(_At(1), password="geh'eim")
        for text in ("bad conninfo: password=geh'eim", r"bad conninfo: password='geh\'eim'"):
            error = translate(psycopg.OperationalError(text), target)
            assert "eim" not in str(error)


class TestSession:
    def test_has_its_name_and_limits(self, postgresql):
        with connect(target_of(postgresql, statement_timeout=7)) as connection:
            query = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
            wanted = {
                "application_name": APPLICATION_NAME,
                "default_transaction_read_only": "on",
                "statement_timeout": "7000",
                "lock_timeout": "1000",
                "idle_in_transaction_session_timeout": "7000",
                "client_encoding": "UTF8",
                "search_path": "pg_catalog",
            }
            assert dict(connection._driver.execute(query, [list(wanted)]).fetchall()) == wanted

    def test_limits_win_over_what_the_role_sets(self, login, scene):
        target = login("stubborn", "right", statement_timeout=7)
        scene.run("ALTER ROLE stubborn SET statement_timeout = 0", "ALTER ROLE stubborn SET search_path = public")
        with connect(target) as connection:
            assert connection._driver.execute("SHOW statement_timeout").fetchone()[0] == "7s"
            assert connection._driver.execute("SHOW search_path").fetchone()[0] == "pg_catalog"

    def test_that_the_server_ends_may_succeed_later(self, guarded):
        with connect(target_of(guarded)) as connection:
            pid = connection._driver.info.backend_pid
            with admin_of(guarded) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            with pytest.raises(ServerRestarting) as caught:
                connection.rows("databases")
        assert caught.value.transient
        assert "administrator command" in str(caught.value)


class TestStatement:
    @pytest.mark.parametrize(
        ("statement", "expected", "transient"),
        [
            ("SELECT * FROM pg_authid", PrivilegeMissing, False),
            ("SELECT 1/0", AnswerUnexplained, False),
            ("SELECT lo_get(1)", AnswerUnexplained, False),
        ],
    )
    def test_that_fails_always_has_a_reason_and_a_hint(self, login, statement, expected, transient):
        with connect(login("reader", "right")) as connection, pytest.raises(psycopg.Error) as caught:
            connection._driver.execute(statement)
        error = translate(caught.value, connection.target)
        assert (type(error), error.transient) == (expected, transient)
        assert error.reason
        assert hint_of(error)


def test_whatever_a_failure_is_told_as_it_has_a_reason_and_a_hint():
    told = {*failures.BY_SQLSTATE.values(), *(error for _, error, _ in failures.WHILE_CONNECTING)}
    assert {error for error in told if not (error.reason and error.hint)} == set()


class TestInterrupt:
    def test_frees_a_reader_with_two_connections_to_a_frozen_peer_within_two_seconds(self, guarded):
        interrupt = Interrupt()
        proxy = Proxy((guarded.host, guarded.port))
        caught: list[BaseException] = []
        connected = threading.Event()
        frozen = threading.Event()

        def read() -> None:
            try:
                target = target_of(_At(proxy.port), interrupt=interrupt)
                with connect(target), connect(target) as connection:  # as while a database is read
                    connected.set()
                    frozen.wait(10)
                    connection.rows("databases")
            except BaseException as error:
                caught.append(error)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            assert connected.wait(10)
            proxy.freeze()
            frozen.set()
            reader.join(0.3)
            assert reader.is_alive(), "nothing may come through a frozen peer"
            began = time.monotonic()
            interrupt.fire("cancelled")
            reader.join(5)
            assert time.monotonic() - began < 2
        finally:
            proxy.close()
        assert [type(error) for error in caught] == [FetchCancelled]

    def test_turns_a_later_statement_into_its_own_error(self, guarded):
        interrupt = Interrupt()
        with connect(target_of(guarded, interrupt=interrupt)) as connection:
            interrupt.fire("timeout")
            with pytest.raises(RemoteTimeout) as caught:
                connection.rows("databases")
        assert "whole read" in str(caught.value)
