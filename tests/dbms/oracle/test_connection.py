"""What a login can meet, and that nothing of it stays behind."""

from __future__ import annotations

import struct
import threading
import time
from pathlib import Path

import pytest

from dbms.oracle import adapter
from dbms.oracle.connection import connect
from tests.dbms.oracle.conftest import PASSWORD
from tests.dbms.peers import listener
from tests.twins.oracle import wire
from tests.twins.oracle.errors import OracleError
from tests.twins.oracle.packets import DATA, REDIRECT
from whalefall import messages
from whalefall.errors import (
    AccountLocked,
    ConnectDenied,
    ConnectionRefused,
    ConnectionUnexplained,
    DatabaseClosed,
    DatabaseMissing,
    LoginRejected,
    PasswordExpired,
    ProtocolViolation,
    RemoteError,
    RemoteTimeout,
    ServerRestarting,
    TooManyConnections,
)


def failure_of(target) -> RemoteError:
    with pytest.raises(RemoteError) as caught, connect(target):
        pass
    return caught.value


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (12505, DatabaseMissing),
        (12514, DatabaseMissing),
        (12516, TooManyConnections),
        (12518, TooManyConnections),
        (12519, TooManyConnections),
        (12520, TooManyConnections),
        (12526, DatabaseClosed),
        (12528, ServerRestarting),
        (12529, ConnectionRefused),
        (12541, ConnectionRefused),
        (12564, ConnectionRefused),
        (12599, ConnectionUnexplained),
    ],
)
def test_a_listener_that_turns_us_away_says_why(scene, code, expected):
    scene.server.refuses = code
    error = failure_of(scene.target())
    assert type(error) is expected
    assert "CONNECTION_ID" not in str(error)


def test_a_listener_that_passes_us_on_is_followed(scene, cdb):
    scene.server.redirects_to = cdb.server.port
    with connect(scene.target(username="C##MONITOR")) as connection:
        assert connection.container_name == "CDB$ROOT"
    assert scene.server.received == []


def test_a_listener_that_passes_us_on_to_one_that_refuses_says_what_that_one_said(scene, cdb):
    scene.server.redirects_to = cdb.server.port
    cdb.server.refuses = 12516
    assert type(failure_of(scene.target(username="C##MONITOR"))) is TooManyConnections


def test_listeners_that_pass_us_on_in_a_circle_end_with_the_time_out(scene):
    scene.server.redirects_to = scene.server.port
    assert type(failure_of(scene.target(connect_timeout=1))) is RemoteTimeout


WHERE = wire.redirection(1, b"(DESCRIPTION=)")  # where nobody listens
LENGTH = struct.pack(">H", len(WHERE))


def test_a_listener_that_hangs_up_as_soon_as_it_has_passed_us_on_is_followed_or_worth_another_attempt(scene):
    with listener(packet(REDIRECT, LENGTH) + packet(DATA, b"\0\0" + WHERE), keep_open=False) as port:
        error = failure_of(scene.target(port=port))
    # Which of the two, the redirection or the end of the line, the driver sees first is a matter of luck.
    assert type(error) in {ConnectionRefused, ProtocolViolation}
    assert error.transient


def test_a_listener_that_passes_us_on_in_one_packet_which_the_driver_cannot_read_ends_with_the_time_out(scene):
    with listener(packet(REDIRECT, LENGTH + WHERE)) as port:
        began = time.monotonic()
        error = failure_of(scene.target(port=port, connect_timeout=1))
        assert time.monotonic() - began < 1 + 2
    assert (type(error), error.reason) == (RemoteTimeout, "timeout")
    assert "the login took too long" in str(error)


def packet(kind: int, body: bytes) -> bytes:
    """A packet of Oracle Net before anybody was let in."""
    return struct.pack(">HH", len(body) + 8, 0) + bytes([kind, 0, 0, 0]) + body


@pytest.mark.parametrize(
    ("code", "expected", "hint"),
    [
        (1017, LoginRejected, ""),
        (1033, ServerRestarting, ""),
        (1035, DatabaseClosed, "ALTER PLUGGABLE DATABASE"),
        (1045, ConnectDenied, 'GRANT CREATE SESSION TO "MONITOR"'),
        (1109, DatabaseClosed, ""),
        (2391, TooManyConnections, ""),
        (28000, AccountLocked, ""),
        (28001, PasswordExpired, "Set a new password"),
        (65162, PasswordExpired, "Set a new password"),
        (28009, LoginRejected, ""),
        (20001, ConnectionUnexplained, ""),
    ],
)
def test_a_login_that_is_not_let_in_says_why(scene, code, expected, hint):
    scene.database.logins["MONITOR", 0].refused = OracleError(code, "said the server")
    error = failure_of(scene.target(username="monitor"))
    assert type(error) is expected
    assert hint in messages.hint(error.message_code, error.reason, error.params)


@pytest.mark.parametrize("service", ["a)(SID=x", "a b", "(x", "a=b", 'a"b', "a'b", "nul\\"])
def test_a_service_name_cannot_become_more_than_a_name(scene, service):
    assert type(failure_of(scene.target(database=service))) is DatabaseMissing


def test_a_user_is_in_capitals_without_quotes_and_as_written_in_them(scene):
    scene.database.add_login("monitor", "other")
    with connect(scene.target(username="Monitor")) as connection:
        assert connection.reader == "MONITOR"
    with connect(scene.target(username='"monitor"', password="other")) as connection:
        assert connection.reader == "monitor"


def test_a_session_tells_who_we_are(scene):
    with connect(scene.target()):
        (session,) = scene.server.sessions("MONITOR")
        assert session.program == "whalefall"


def test_a_listener_that_never_answers_leaves_nothing_behind(scene):
    with listener(None) as port:
        before = (threading.active_count(), len(list(Path("/proc/self/fd").iterdir())))
        began = time.monotonic()
        for _ in range(3):
            assert type(failure_of(scene.target(port=port, connect_timeout=1))) is RemoteTimeout
        assert time.monotonic() - began < 3 * 1.5
        assert (threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))) <= (before[0], before[1] + 3)


def test_logins_beside_a_listener_that_never_answers_do_not_wait_for_it(scene):
    with listener(None) as port:
        waiting = threading.Thread(target=failure_of, args=(scene.target(port=port, connect_timeout=3),), daemon=True)
        waiting.start()
        began = time.monotonic()
        with connect(scene.target()):
            assert time.monotonic() - began < 2
        waiting.join(5)
    assert not waiting.is_alive()


def test_rows_of_many_round_trips_arrive_all(scene):
    for number in range(4500):
        scene.database.insert("roles", 0, role=f"R{number}", authentication_type="NONE", common="NO",
                              oracle_maintained="N")  # fmt: skip
    names = {account.username for account in scene.read().accounts}
    assert {f"R{number}" for number in range(4500)} <= names


def test_a_password_stands_in_no_error(scene):
    scene.server.refuses = 12514
    assert PASSWORD not in repr(failure_of(scene.target()))


def test_the_version_of_the_server_is_told(scene):
    with adapter.connect(scene.target()) as connection:
        assert connection.server.number == (19, 19, 0, 0, 0)
        assert connection.server.version == "Oracle Database 19.19.0.0.0"
