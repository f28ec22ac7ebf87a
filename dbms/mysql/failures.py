"""The one place that knows what MySQL, MariaDB and their client library say when something fails."""

from __future__ import annotations

import re

from dbms.base import Target, without_password
from dbms.mysql.names import identifier, quoted_account
from whalefall.errors import (
    AccountLocked,
    AnswerUnexplained,
    ConnectDenied,
    ConnectionRefused,
    ConnectionUnexplained,
    DatabaseMissing,
    LoginRejected,
    PasswordExpired,
    PrivilegeMissing,
    ProtocolViolation,
    RemoteError,
    RemoteTimeout,
    ServerRestarting,
    TlsFailed,
    TooManyConnections,
    UnknownHost,
)

DATABASE_DENIED = 1044
CANNOT_CONNECT, CONNECTION_LOST = 2002, 2013
CLIENT_ERRORS = range(2000, 3000)  # said by the client library; the connection is of no more use

# Server and client error numbers: "Server Error Message Reference" and "Client Error Message Reference" of MySQL,
# "MariaDB Error Code Reference".
BY_NUMBER: dict[int, type[RemoteError]] = {
    1040: TooManyConnections,
    DATABASE_DENIED: PrivilegeMissing,
    1045: LoginRejected,
    1049: DatabaseMissing,
    1053: ServerRestarting,  # shutting down
    1129: ConnectionRefused,  # the host is blocked after too many broken connections
    1130: LoginRejected,  # no account for this host
    1142: PrivilegeMissing,
    1143: PrivilegeMissing,
    1203: TooManyConnections,
    1205: RemoteTimeout,  # lock wait
    1226: TooManyConnections,
    1227: PrivilegeMissing,
    1251: LoginRejected,  # the account's plugin is unknown to the client
    1317: ProtocolViolation,  # somebody killed the statement
    1698: LoginRejected,  # a plugin that asks for no password, like unix_socket
    1820: PasswordExpired,  # nothing is allowed but a new one
    1862: PasswordExpired,
    1927: ProtocolViolation,  # somebody killed the connection
    1969: RemoteTimeout,  # max_statement_time
    CANNOT_CONNECT: ConnectionRefused,
    2003: ConnectionRefused,
    2005: UnknownHost,
    2026: TlsFailed,
    2059: LoginRejected,  # the account's plugin cannot be loaded
    2061: TlsFailed,  # the account's plugin refuses a plain connection
    3024: RemoteTimeout,  # max_execution_time
    3032: ServerRestarting,  # offline mode
    3118: AccountLocked,
    3159: TlsFailed,  # require_secure_transport
    3955: AccountLocked,  # after too many failed logins
    4031: ProtocolViolation,  # idle for too long
    4150: AccountLocked,  # MariaDB, after too many failed logins
    4151: AccountLocked,  # MariaDB
}
TIMED_OUT = re.compile(r"\(110\)|system error: 110\b")  # ETIMEDOUT of Linux, within the client library's text
NOT_LOADED = re.compile(r"Plugin (dialog|mysql_clear_password) could not be loaded")
MATCHED_ACCOUNT = re.compile(r"for user '(.*)'@'([^']*)'")


def translate(error: Exception, target: Target, *, connecting: bool = False, waited: bool = False) -> RemoteError:
    """What a driver error means; `waited` says that a read took as long as it may.

    `extra["errno"]` holds the error number, 0 when there is none.
    """
    aborted = target.interrupt.error(target)
    if aborted is not None:
        return aborted
    number, text = _said(error)
    found = BY_NUMBER.get(number)
    if number == DATABASE_DENIED and connecting:
        found = ConnectDenied
    elif TIMED_OUT.search(text) or (number == CONNECTION_LOST and waited):
        found = RemoteTimeout
    elif found is None and (number in CLIENT_ERRORS or not number):
        found = ProtocolViolation
    found = found or (ConnectionUnexplained if connecting else AnswerUnexplained)
    if NOT_LOADED.search(text):
        found, text = ConnectionUnexplained, "the server asks for the password in plain text, which is never sent"
    detail = without_password(text, target)
    return found(**target.address, **_particulars(found, target, text), detail=detail, extra={"errno": number})


def ends_reading(error: RemoteError, target: Target) -> bool:
    """Whether nothing more can be read after this failure: the connection is lost, or nobody waits for it any more."""
    return error.extra.get("errno") in CLIENT_ERRORS or bool(target.interrupt.reason)


def _said(error: Exception) -> tuple[int, str]:
    number, text = error.args if len(error.args) == 2 else (0, str(error))
    return (number if isinstance(number, int) else 0), " ".join(str(text).split())


def _particulars(found: type[RemoteError], target: Target, text: str) -> dict[str, str]:
    """The parameters that only some errors have: what was missing, and the statement that helps."""
    database = identifier(target.database)
    if found is DatabaseMissing:
        return {"database": database}
    if found is ConnectDenied:
        matched = MATCHED_ACCOUNT.search(text)
        account = quoted_account(*(matched.groups() if matched else (target.username, "%")))
        return {"database": database, "statement": f"GRANT SELECT ON {database}.* TO {account}"}
    return {}
