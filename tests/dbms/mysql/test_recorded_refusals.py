"""What MySQL says when it refuses something, number and words, and what that is to us."""

from __future__ import annotations

import MySQLdb
import pytest

from dbms.mysql.failures import translate
from tests.dbms.mysql.playback import TARGET
from whalefall import errors


@pytest.mark.parametrize(
    ("number", "text", "expected"),
    [
        (1203, "User u already has more than 'max_user_connections' active connections", errors.TooManyConnections),
        (1226, "User 'u' has exceeded the 'max_connections_per_hour' resource (current value: 1)",
         errors.TooManyConnections),
        (1142, "SELECT command denied to user 'u'@'h' for table 'user'", errors.PrivilegeMissing),
        (1820, "You must reset your password using ALTER USER statement before executing this statement.",
         errors.PasswordExpired),
        (3955, "Access denied for user 'u'@'h'. Account is blocked for 3 day(s) (3 day(s) remaining) due to 2"
         " consecutive failed logins.", errors.AccountLocked),
        (3024, "Query execution was interrupted, maximum statement execution time exceeded", errors.RemoteTimeout),
        (1053, "Server shutdown in progress", errors.ServerRestarting),
        (4031, "The client was disconnected by the server because of inactivity. See wait_timeout and"
         " interactive_timeout for configuring this behavior.", errors.ProtocolViolation),
    ],
)  # fmt: skip
def test_what_mysql_says_when_it_refuses_is_understood(number, text, expected):
    error = translate(MySQLdb.OperationalError(number, text), TARGET)
    assert type(error) is expected
    assert error.extra == {"errno": number}
