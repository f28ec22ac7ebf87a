"""The one place that knows what SQL Server and its driver say when something fails."""

from __future__ import annotations

import re
from typing import Any

from dbms.base import Target, without_password
from dbms.sqlserver.names import bracketed
from dbms.sqlserver.tds import LoginAnswer
from whalefall.errors import (
    AccountLocked,
    AnswerUnexplained,
    ConnectDenied,
    ConnectionUnexplained,
    DatabaseClosed,
    DatabaseMissing,
    LoginRejected,
    PasswordExpired,
    PrivilegeMissing,
    ProtocolViolation,
    RemoteError,
    RemoteTimeout,
    ServerRestarting,
    TooManyConnections,
)

DEFAULT_DATABASE = "master"
DENIED_DATABASE = 916

# "Database Engine events and errors"; of a login in the order in which they count: an unknown database comes together
# with the general 18456.
AT_LOGIN: dict[int, type[RemoteError]] = {
    4060: DatabaseMissing,
    4064: DatabaseMissing,  # the login's default database
    DENIED_DATABASE: ConnectDenied,
    18470: AccountLocked,  # disabled
    18486: AccountLocked,  # locked out after too many failed logins
    18487: PasswordExpired,
    18488: PasswordExpired,  # it must be changed
    18461: TooManyConnections,  # single user mode
    17809: TooManyConnections,
    17810: TooManyConnections,  # the administrator's connection is taken
    10928: TooManyConnections,  # Azure
    10929: TooManyConnections,  # Azure
    17142: ServerRestarting,  # paused
    18401: ServerRestarting,  # upgrading itself
    6005: ServerRestarting,  # shutting down
    40613: ServerRestarting,  # Azure: the database moves
    927: DatabaseClosed,  # restoring
    942: DatabaseClosed,  # offline
    945: DatabaseClosed,
    976: DatabaseClosed,  # a secondary replica that nobody may read
    978: DatabaseClosed,  # a secondary replica for readers that say so
    17892: LoginRejected,  # a logon trigger
    18452: LoginRejected,  # Windows logins only
    40532: LoginRejected,  # Azure: the name of the server is missing from the login
    40615: LoginRejected,  # Azure: the firewall
    18456: LoginRejected,
}

# 911, and 208 of a catalogue view in a database: the views themselves are always there.
NO_DATABASE = re.compile(
    r"^Database '(?P<database>.*)' does not exist|^Invalid object name '(?P<view_in>.*)\.sys\.\w+'"
)

# Of a statement the driver hands out texts only, which are English by our session setting. The first match counts.
BY_TEXT: tuple[tuple[str, type[RemoteError]], ...] = (
    (r"Query timeout expired|Lock request time out", RemoteTimeout),
    (r"permission (was )?denied|does not have permission|is not able to access the database", PrivilegeMissing),
    (r"SHUTDOWN is in progress", ServerRestarting),
    (r"TCP Provider|Communication link failure|[Cc]onnection is broken|kill state", ProtocolViolation),
)
REJECTED = r"Invalid value specified for connection string attribute '(UID|PWD|Database)'"
NOT_LOADED = "Failed to load the driver"
PREFIX = re.compile(r"^(Driver Error: .*?; DDBC Error: )?(\[[^\]]*\])*")


def translate(error: Exception, target: Target, *, line_failure: RemoteError | None = None) -> RemoteError:
    """What a driver error of a statement means; `line_failure` says why the line ended, if it did."""
    aborted = target.interrupt.error(target)
    if aborted is not None:
        return aborted
    if line_failure is not None:
        return line_failure
    text = _words(error)
    detail = without_password(text, target)
    if missing := NO_DATABASE.search(text):
        return DatabaseMissing(
            **target.address, database=bracketed(missing["database"] or missing["view_in"]), detail=detail
        )
    found = next((known for pattern, known in BY_TEXT if re.search(pattern, text)), AnswerUnexplained)
    return found(**target.address, detail=detail)


def rejection(
    error: Exception, target: Target, *, answer: LoginAnswer, line_failure: RemoteError | None
) -> RemoteError:
    """What a driver error of a login means, given what the server said. `extra["errno"]` holds its error number."""
    aborted = target.interrupt.error(target)
    if aborted is not None:
        return aborted
    text = _words(error)
    found: type[RemoteError]
    if answer.errors:
        said = {message.number: message.text for message in answer.errors}
        number = next((number for number in AT_LOGIN if number in said), answer.errors[0].number)
        found, detail = AT_LOGIN.get(number, ConnectionUnexplained), said[number]
        detail = without_password(" ".join(detail.split()), target)
        return found(**target.address, **_particulars(found, target), detail=detail, extra={"errno": number})
    if rejected := re.search(REJECTED, text):
        found = DatabaseMissing if rejected[1] == "Database" else LoginRejected
        detail = "user name, password or database cannot be sent to a server"
        return found(**target.address, **_particulars(found, target), detail=detail)
    if NOT_LOADED in text:
        detail = "the driver lacks a library of this machine: install libltdl7 and libgssapi-krb5-2"
        return ConnectionUnexplained(**target.address, detail=detail)
    if line_failure is not None:
        return line_failure
    return ProtocolViolation(**target.address, detail=without_password(text, target))


def _particulars(found: type[RemoteError], target: Target) -> dict[str, Any]:
    """The parameters that only some errors have: what was missing, and the statement that helps."""
    database = bracketed(target.database or DEFAULT_DATABASE)
    if found is DatabaseMissing:
        return {"database": database}
    if found is ConnectDenied:
        return {"database": database, "statement": f"CREATE USER {bracketed(target.username)} in {database}"}
    if found is DatabaseClosed:
        return {"database": database, "statement": f"ALTER DATABASE {database} SET ONLINE"}
    return {}


def _words(error: Exception) -> str:
    """The server's or the driver's text in one line, without what the error class says anyway."""
    return " ".join(PREFIX.sub("", str(error), count=1).split())
