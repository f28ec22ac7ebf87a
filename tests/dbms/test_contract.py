"""What every adapter promises, tried on a real server of each kind."""

from __future__ import annotations

import json
import re
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from dbms.base import Interrupt, Target
from dbms.snapshots import DATABASE_LIST, SERVER, database_scope
from tests.dbms.contract import SUBJECTS, Subject, asking
from tests.dbms.peers import Proxy, listener
from tests.dbms.test_main import run
from whalefall import messages
from whalefall.demo.servers import free_port
from whalefall.errors import (
    AccountLocked,
    ConnectionRefused,
    DatabaseMissing,
    FetchCancelled,
    LoginRejected,
    ProtocolViolation,
    RemoteError,
    RemoteTimeout,
    TlsFailed,
    UnknownHost,
)

STATUSES = {"ok", "denied", "timeout", "offline", "error"}
SECRET = "geheim"
PASSWORDS = [
    f"it's {SECRET}",
    f'"{SECRET}" it is',
    f" {SECRET} ",
    f"back\\slash\\{SECRET}",
    f"%s %(x)s {{host}} %{SECRET}",
    f"пароль😀{SECRET}",
    f"new\nline\t{SECRET}",
    f"a=b&c#{SECRET}@host:1/x",
    f"{SECRET}{'x' * 200}",
]


DATABASE_NAMES = ["it's", 'say "hi"', "%s %(x)s {host}", "база 1", "a-b", "x;DROP TABLE t"]


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    subject = SUBJECTS[request.param](request)
    yield subject
    subject.clean()


def failure_of(subject: Subject, target: Target) -> RemoteError:
    """Why the connection cannot be opened."""
    with pytest.raises(RemoteError) as caught, subject.adapter.connect(target):
        pass
    error = caught.value
    assert type(error) is not RemoteError, "a failure has a class"
    assert error.reason
    assert error.reason == "cancelled" or messages.hint(error.message_code, error.reason, error.params)
    return error


def told(error: BaseException | None) -> str:
    """All that an exception and those behind it say, however it is shown."""
    text = "".join(traceback.format_exception(error)) if error else ""
    while error:
        text += f"{error} {error!r} {error.args}"
        text += repr(vars(error)) if isinstance(error, RemoteError) else ""
        error = error.__cause__ or error.__context__
    return text


class TestLogin:
    def test_tells_the_version(self, subject):
        with subject.adapter.connect(subject.target()) as connection:
            server = connection.server
        assert server.db_type == subject.key
        assert server.number >= subject.adapter.minimum_version
        assert server.main_version == ".".join(str(part) for part in server.number)
        assert server.main_version in server.version

    @pytest.mark.parametrize(
        ("change", "expected", "code", "reason"),
        [
            ({"password": "wrong"}, LoginRejected, "DATABASE_CONNECTION_ERROR", "auth"),
            ({"password": ""}, LoginRejected, "DATABASE_CONNECTION_ERROR", "auth"),
            ({"username": "nobody here"}, LoginRejected, "DATABASE_CONNECTION_ERROR", "auth"),
            ({"username": "nul\0byte"}, LoginRejected, "DATABASE_CONNECTION_ERROR", "auth"),
            ({"username": "x" * 500}, LoginRejected, "DATABASE_CONNECTION_ERROR", "auth"),
        ],
        ids=["wrong password", "no password", "unknown name", "impossible name", "endless name"],
    )
    def test_that_the_server_rejects_is_told_as_such(self, subject, change, expected, code, reason):
        error = failure_of(subject, replace(subject.login("reader", "right"), **change))
        assert (type(error), error.message_code, error.reason, error.transient) == (expected, code, reason, False)

    def test_of_a_locked_account_says_that_it_is_locked(self, subject):
        error = failure_of(subject, subject.login("sleeper", "right", locked=True))
        assert (type(error), error.message_code, error.reason) == (
            AccountLocked,
            "DATABASE_CONNECTION_ERROR",
            "account_locked",
        )

    def test_to_an_unknown_database_names_it(self, subject):
        error = failure_of(subject, subject.target(database="no such database"))
        assert (type(error), error.message_code, error.reason, error.transient) == (
            DatabaseMissing,
            "DATABASE_CONNECTION_ERROR",
            "database",
            False,
        )
        assert "no such database" in str(error)

    @pytest.mark.parametrize("database", ["nul\0byte", "lone \ud800 surrogate"])
    def test_to_a_database_that_cannot_be_is_no_drivers_error(self, subject, database):
        failure_of(subject, subject.target(database=database))


class TestNetwork:
    def test_a_closed_port_refuses(self, subject):
        error = failure_of(subject, subject.target(host="127.0.0.1", port=free_port()))
        assert (type(error), error.message_code, error.reason, error.transient) == (
            ConnectionRefused,
            "DATABASE_CONNECTION_ERROR",
            "refused",
            True,
        )

    @pytest.mark.parametrize("host", ["no-such-host.invalid", "", "a,b", "/tmp", "ü" * 70, "two words", "a\0b"])
    def test_an_unknown_host_is_named_as_such(self, subject, host):
        error = failure_of(subject, subject.target(host=host))
        assert (type(error), error.message_code, error.reason) == (UnknownHost, "DATABASE_CONNECTION_ERROR", "dns")

    def test_a_peer_that_never_answers_is_given_up_in_time(self, subject):
        target = subject.login("reader", "right")
        with listener(None) as silent, Proxy((subject.host, subject.port), freeze_after=1) as frozen:
            silent_peer = {"host": "127.0.0.1", "port": silent}
            limited = replace(target, **silent_peer, connect_timeout=60, fetch_timeout=1, interrupt=Interrupt())
            targets = [
                replace(target, **silent_peer, connect_timeout=1),
                replace(target, host=frozen.host, port=frozen.port, connect_timeout=1),
                limited,
            ]
            began = time.monotonic()
            with limited.interrupt.after(1), ThreadPoolExecutor() as threads:  # at once: they only wait
                errors = list(threads.map(partial(failure_of, subject), targets))
            assert time.monotonic() - began < 1 + 2
        assert {(type(error), error.message_code, error.reason, error.transient) for error in errors} == {
            (RemoteTimeout, "DATABASE_TIMEOUT", "timeout", True)
        }
        assert not target.interrupt.has_connected
        assert not limited.interrupt.has_connected

    def test_a_server_that_lets_us_in_has_connected_and_one_that_does_not_has_not(self, subject):
        target = subject.login("reader", "right")
        assert not target.interrupt.has_connected
        failure_of(subject, replace(target, password="wrong"))
        assert not target.interrupt.has_connected
        with subject.adapter.connect(target):
            assert target.interrupt.has_connected

    def test_a_peer_that_hangs_up_breaks_the_protocol(self, subject):
        with listener(b"", keep_open=False, speaks_first=True) as port:
            error = failure_of(subject, subject.target(host="127.0.0.1", port=port))
        assert (type(error), error.message_code, error.reason) == (ProtocolViolation, "SYNC_DATA_ERROR", "protocol")

    @pytest.mark.parametrize("tls_mode", ["disable", "require"])
    @pytest.mark.parametrize("banner", [b"220 mail.example ESMTP\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
    def test_another_protocol_is_told_apart(self, subject, banner, tls_mode):
        with listener(banner, speaks_first=True) as port:
            target = subject.target(host="127.0.0.1", port=port, tls_mode=tls_mode, connect_timeout=2)
            assert type(failure_of(subject, target)) is ProtocolViolation


class TestPassword:
    @pytest.mark.parametrize("password", PASSWORDS)
    def test_of_any_kind_is_accepted_and_never_shown(self, subject, password, caplog):
        caplog.set_level(0)
        password = password[: subject.longest_password]
        target = subject.login("reader", password)
        with subject.adapter.connect(target) as connection:
            seen = f"{connection!r} {connection.server!r}"
        target = replace(target, password=f"{password}?", connect_timeout=2)
        for changes in (
            {},
            {"database": "none"},
            {"host": "127.0.0.1", "port": 1},
            {"tls_mode": "verify", "tls_ca": "none"},
            {"tls_mode": "require"},
        ):
            error = failure_of(subject, replace(target, **changes))
            seen += told(error) + messages.hint(error.message_code, error.reason, error.params)
        assert SECRET not in seen + repr(target) + caplog.text

    @pytest.mark.parametrize("password", [f"{SECRET}\0byte", f"lone \ud800 {SECRET}"])
    def test_that_no_server_can_have_is_rejected(self, subject, password):
        error = failure_of(subject, subject.target(password=password))
        assert type(error) is LoginRejected
        assert SECRET not in told(error)


class TestStatements:
    def test_that_a_server_gets_stand_in_the_files_or_the_short_list(self, subject):
        with subject.received() as received, subject.adapter.connect(subject.target()) as connection:
            assert subject.adapter.read_accounts(connection).accounts
        files = subject.files()
        own = [text for text in received if any(file.fullmatch(text) for file in files)]
        assert own
        assert [text for text in own if not text.startswith("/* whalefall */\n")] == []
        others = [text for text in received if text not in own]
        assert [text for text in others if not any(re.fullmatch(known, text) for known in subject.settings)] == []
        assert connection.statements <= len(received)

    def test_are_as_many_for_200_accounts_as_for_5(self, subject):
        sent = []
        for number in (5, 195):
            keys = subject.fill(f"crowd {number} {n}" for n in range(number))
            with subject.received() as received, subject.adapter.connect(subject.target()) as connection:
                assert keys <= {account.key for account in subject.adapter.read_accounts(connection).accounts}
            sent.append((len(received), connection.statements))
        assert sent[0] == sent[1]
        assert sent[0][0] > 0


class TestSession:
    def test_cannot_write(self, subject, monkeypatch):
        with (
            subject.adapter.connect(subject.target()) as connection,
            pytest.raises(RemoteError, match=r"(?i)read.only"),
        ):
            asking(monkeypatch, connection, subject.write)
        assert "whalefall_probe" not in subject.databases()

    def test_ends_a_statement_that_takes_too_long_and_can_go_on(self, subject, monkeypatch):
        with subject.adapter.connect(subject.target(statement_timeout=1)) as connection:
            began = time.monotonic()
            with pytest.raises(RemoteTimeout):
                asking(monkeypatch, connection, subject.sleep)
            assert 0.9 < time.monotonic() - began < 1 + 2
            assert subject.adapter.read_accounts(connection).accounts

    def test_is_gone_from_the_server_when_the_block_is_left(self, subject):
        with subject.adapter.connect(subject.login("reader", "right")):
            assert len(subject.sessions("reader")) == 1
        assert awaited(lambda: not subject.sessions("reader"))


def awaited(condition, seconds: float = 5) -> bool:
    """Whether it comes true in time."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


class TestInterrupt:
    def test_ends_a_read_from_a_peer_that_freezes_after_the_login(self, subject):
        with Proxy((subject.host, subject.port)) as proxy:
            target = subject.target(host=proxy.host, port=proxy.port, fetch_timeout=1)
            with target.interrupt.after(target.fetch_timeout), subject.adapter.connect(target) as connection:
                proxy.freeze()
                began = time.monotonic()
                with pytest.raises(RemoteTimeout) as caught:
                    subject.adapter.read_accounts(connection)
            assert time.monotonic() - began < 1 + 2
        assert "whole read" in str(caught.value)

    def test_cancels_the_statement_on_the_server_too(self, subject, monkeypatch):
        target = subject.login("reader", "right")
        caught: list[BaseException] = []

        def read() -> None:
            try:
                with subject.adapter.connect(target) as connection:
                    asking(monkeypatch, connection, subject.sleep)
            except BaseException as error:
                caught.append(error)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        assert awaited(lambda: subject.sleep in subject.sessions("reader"))
        target.interrupt.fire("cancelled")
        assert awaited(lambda: not subject.sessions("reader"))
        reader.join(5)
        (error,) = caught
        assert (type(error), error.message_code, error.reason) == (FetchCancelled, "DATABASE_TIMEOUT", "cancelled")

    def test_that_has_fired_lets_nobody_connect(self, subject):
        target = subject.target()
        target.interrupt.fire("cancelled")
        with subject.received() as received:
            assert type(failure_of(subject, target)) is FetchCancelled
        assert received == []


class TestAccounts:
    def test_with_hostile_names_arrive_exactly(self, subject):
        keys = subject.fill(subject.names)
        with subject.adapter.connect(subject.target()) as connection:
            snapshot = subject.adapter.read_accounts(connection)
        found = [account.key for account in snapshot.accounts]
        assert keys <= set(found)
        assert len(found) == len(set(found))

    def test_come_with_a_coverage_that_names_the_server(self, subject):
        with subject.adapter.connect(subject.target()) as connection:
            snapshot = subject.adapter.read_accounts(connection)
        scopes = [part.scope for part in snapshot.coverage]
        assert len(scopes) == len(set(scopes))
        assert {part.status for part in snapshot.coverage if part.scope == SERVER} == {"ok"}
        assert {part.status for part in snapshot.coverage} <= STATUSES
        assert [part for part in snapshot.coverage if part.status != "ok" and not part.reason] == []
        for account in snapshot.accounts:
            assert set(account.parts) <= set(scopes), "nothing comes from a scope that was not read"


class TestCapacity:
    def read(self, subject, **changes):
        """The snapshot, and how many statements it took."""
        with subject.adapter.connect(subject.target(**changes)) as connection:
            return subject.adapter.read_capacity(connection), connection.statements

    def test_is_read_by_statements_of_the_files_as_many_for_six_databases_as_for_one(self, subject):
        sent = []
        for names in (["first"], DATABASE_NAMES):
            for name in names:
                subject.make_database(name)
            with subject.received() as received:
                snapshot, statements = self.read(subject)
            assert set(names) <= {database.name for database in snapshot.databases}
            known = [*subject.files(), *map(re.compile, subject.settings)]
            assert [text for text in received if not any(file.fullmatch(text) for file in known)] == []
            sent.append((len(received), statements))
        assert sent[0] == sent[1]
        assert sent[0][0] > 0

    def test_is_in_whole_bytes_or_a_gap_with_a_reason(self, subject):
        subject.make_database("shop")
        limited = subject.login("reader", "right")
        for changes in ({}, {"username": limited.username, "password": limited.password}):
            snapshot, _ = self.read(subject, **changes)
            scopes = {part.scope: part for part in snapshot.coverage}
            assert len(scopes) == len(snapshot.coverage)
            assert scopes[SERVER].status == "ok"
            assert {part.status for part in snapshot.coverage} <= STATUSES
            assert [part for part in snapshot.coverage if part.status != "ok" and not part.reason] == []
            assert (snapshot.db_type, snapshot.main_version in snapshot.version) == (subject.key, True)
            names = [database.name for database in snapshot.databases]
            assert len(names) == len(set(names))
            for database in snapshot.databases:
                covered = scopes.get(database_scope(database.name))
                if database.size_bytes is None:
                    assert covered.status != "ok", database.name
                else:
                    assert type(database.size_bytes) is int
                    assert database.size_bytes >= 0
                    assert covered is None or covered.status == "ok", database.name
                assert database.method
            assert all(type(part.size_bytes) is int and part.size_bytes >= 0 for part in snapshot.parts)
        everything, _ = self.read(subject)
        assert DATABASE_LIST in everything.coverage[0].categories
        assert subject.adapter.capacity_grants(everything, subject.username) == ()

    def test_ends_in_time_when_the_peer_freezes(self, subject):
        with Proxy((subject.host, subject.port)) as proxy:
            target = subject.target(host=proxy.host, port=proxy.port, fetch_timeout=1)
            with target.interrupt.after(target.fetch_timeout), subject.adapter.connect(target) as connection:
                proxy.freeze()
                began = time.monotonic()
                with pytest.raises(RemoteTimeout, match="whole read"):
                    subject.adapter.read_capacity(connection)
            assert time.monotonic() - began < 1 + 2

    def test_of_tables_is_read_by_statements_of_the_files(self, subject):
        subject.make_database(DATABASE_NAMES[0])
        with subject.received() as received, subject.adapter.connect(subject.target()) as connection:
            tables = subject.adapter.read_tables(connection, DATABASE_NAMES[0], 3)
        assert len(tables) <= 3
        assert all(type(table.size_bytes) is int for table in tables)
        known = [*subject.files(), *map(re.compile, subject.settings)]
        assert [text for text in received if not any(file.fullmatch(text) for file in known)] == []

    def test_of_tables_of_an_unknown_database_is_an_error(self, subject):
        with subject.adapter.connect(subject.target()) as connection, pytest.raises(DatabaseMissing):
            subject.adapter.read_tables(connection, "no such database", 10)


class TestTls:
    @pytest.fixture(autouse=True)
    def with_our_certificate(self, subject):
        if not (subject.authority and subject.plain):
            pytest.skip("the certificate of this server is not ours")

    @pytest.mark.parametrize(("tls_mode", "readable"), [("disable", True), ("require", False), ("verify", False)])
    def test_hides_what_is_said_as_the_mode_says(self, subject, tls_mode, readable):
        with Proxy((subject.host, subject.port)) as proxy:
            target = subject.target(host=proxy.host, port=proxy.port, tls_mode=tls_mode, tls_ca=subject.authority.pem)
            with subject.adapter.connect(target) as connection:
                subject.adapter.read_accounts(connection)
            assert (subject.marker in proxy.said) is readable
            assert len(proxy.said) > 100

    def test_by_another_authority_is_not_accepted(self, subject, other_ca):
        error = failure_of(subject, subject.target(tls_mode="verify", tls_ca=other_ca.pem))
        assert (type(error), error.message_code, error.reason) == (TlsFailed, "DATABASE_CONNECTION_ERROR", "tls")

    def test_for_another_address_is_not_accepted_and_never_gets_the_password(self, subject):
        target = subject.login("reader", "right")
        with Proxy((subject.host, subject.port), host="127.0.0.2") as proxy:
            elsewhere = {"host": proxy.host, "port": proxy.port, "tls_ca": subject.authority.pem}
            with subject.adapter.connect(replace(target, **elsewhere, tls_mode="require")):
                pass
            assert type(failure_of(subject, replace(target, **elsewhere, tls_mode="verify"))) is TlsFailed

    @pytest.mark.parametrize("ca", ["", "no certificate at all"])
    def test_cannot_be_checked_without_a_certificate(self, subject, ca):
        assert type(failure_of(subject, subject.target(tls_mode="verify", tls_ca=ca))) is TlsFailed

    @pytest.mark.parametrize("tls_mode", ["require", "verify"])
    def test_required_of_a_server_without_it_fails(self, subject, tls_mode):
        host, port = subject.plain
        with Proxy((host, port)) as proxy:
            target = subject.target(
                host=proxy.host,
                port=proxy.port,
                tls_mode=tls_mode,
                tls_ca=subject.authority.pem,
                username="in-the-open",
            )
            assert type(failure_of(subject, target)) is TlsFailed
            assert b"in-the-open" not in proxy.said


class TestCommandLine:
    def test_prints_the_document_of_the_contract_and_nothing_secret(self, subject):
        password = PASSWORDS[0]
        subject.login("bob", password)
        target = subject.target()
        address = ("--host", target.host, "--port", target.port, "--user", target.username,
                   "--database", target.database)  # fmt: skip
        done = run(subject.key, "accounts", *address, "--json", password=target.password)
        assert (done.returncode, done.stderr) == (0, "")
        document = json.loads(done.stdout)
        assert set(document) == {"server", "coverage", "accounts"}
        assert set(document["server"]) == {"db_type", "version", "main_version"}
        assert document["server"]["db_type"] == subject.key
        assert all(set(part) == {"scope", "status", "reason"} for part in document["coverage"])
        (bob,) = [account for account in document["accounts"] if account["username"] == "bob"]
        assert set(bob) == {"username", "host", "kind", "is_system", "is_superuser", "is_locked", "snapshot"}
        assert (bob["kind"], bob["is_system"], bob["is_superuser"], bob["is_locked"]) == ("user", False, False, False)
        assert set(bob["snapshot"]) == {"version", "categories", "type_specific", "extra", "errors", "meta"}
        assert bob["snapshot"]["version"] == 4
        assert all(category.startswith(f"{subject.key}_") for category in bob["snapshot"]["categories"])
        hashes = subject.hashes()
        assert hashes
        assert [secret for secret in (SECRET, *hashes) if secret in done.stdout] == []

    def test_tells_a_rejected_login_in_one_line_without_the_password(self, subject):
        target = subject.login("bob", "right")
        address = ("--host", target.host, "--port", target.port, "--user", target.username,
                   "--database", target.database)  # fmt: skip
        done = run(subject.key, "accounts", *address, password=PASSWORDS[0])
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith("DATABASE_CONNECTION_ERROR (auth): ")
        assert SECRET not in line

    def test_prints_the_document_of_sizes(self, subject):
        subject.make_database("shop")
        target = subject.target()
        address = ("--host", target.host, "--port", target.port, "--user", target.username)
        done = run(subject.key, "capacity", *address, "--json", password=target.password)
        assert (done.returncode, done.stderr) == (0, "")
        document = json.loads(done.stdout)
        assert set(document) == {"server", "coverage", "databases", "parts"}
        assert all(set(part) == {"scope", "status", "reason"} for part in document["coverage"])
        (shop,) = [database for database in document["databases"] if database["name"] == "shop"]
        assert set(shop) == {
            "name", "is_system", "size_bytes", "data_size_bytes", "log_size_bytes", "method", "is_estimate",
        }  # fmt: skip
        assert all(
            set(part) == {"kind", "database", "name", "size_bytes", "used_bytes", "max_bytes"}
            for part in document["parts"]
        )
