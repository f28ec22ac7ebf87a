"""The one place that knows what Oracle, its listener and the driver say when something fails."""

from __future__ import annotations

import asyncio
import re
import ssl

from dbms.base import Target, without_password
from dbms.oracle.names import account_name, identifier, quoted
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
    ProtocolViolation,
    RemoteError,
    RemoteTimeout,
    ServerRestarting,
    TlsFailed,
    TooManyConnections,
    VersionUnsupported,
)

LOST = "lost"  # in place of a code: the connection is of no more use

# ORA- and TNS-numbers: "Database Error Messages".
BY_NUMBER: dict[int, type[RemoteError]] = {
    18: TooManyConnections,  # sessions
    20: TooManyConnections,  # processes
    28: ProtocolViolation,  # somebody killed the session
    942: PrivilegeMissing,  # or there is none; what we ask for is always there
    1005: LoginRejected,  # no password
    1012: ProtocolViolation,  # logged off meanwhile
    1013: RemoteTimeout,  # cancelled
    1017: LoginRejected,
    1031: PrivilegeMissing,
    1033: ServerRestarting,
    1034: ServerRestarting,
    1035: DatabaseClosed,  # restricted session
    1041: ProtocolViolation,
    1045: ConnectDenied,  # no CREATE SESSION
    1089: ServerRestarting,
    1090: ServerRestarting,
    1109: DatabaseClosed,  # only mounted
    1219: DatabaseClosed,
    2391: TooManyConnections,  # SESSIONS_PER_USER
    2396: ProtocolViolation,  # idle for too long
    2399: ProtocolViolation,
    3113: ProtocolViolation,
    3114: ProtocolViolation,
    3135: ProtocolViolation,
    3136: RemoteTimeout,  # inbound connection timed out
    12505: DatabaseMissing,
    12514: DatabaseMissing,
    12516: TooManyConnections,
    12518: TooManyConnections,
    12519: TooManyConnections,
    12520: TooManyConnections,
    12526: DatabaseClosed,  # restricted
    12527: DatabaseClosed,
    12528: ServerRestarting,
    12529: ConnectionRefused,  # rule filters
    12541: ConnectionRefused,
    12170: RemoteTimeout,
    12535: RemoteTimeout,
    12537: ProtocolViolation,
    12547: ProtocolViolation,
    12564: ConnectionRefused,  # the address is not invited
    12660: TlsFailed,  # native encryption, which the thin mode does not speak, is required
    28000: AccountLocked,
    28001: PasswordExpired,  # nothing is allowed but a new one
    28002: LoginRejected,
    28003: LoginRejected,
    28009: LoginRejected,  # SYS may only connect as SYSDBA
    28040: LoginRejected,  # no matching authentication protocol
    65162: PasswordExpired,  # of a common user
}

# The driver's own, by their full code: "Appendix: python-oracledb errors".
BY_DRIVER_CODE: dict[str, type[RemoteError]] = {
    "DPY-3001": TlsFailed,  # native network encryption
    "DPY-3010": VersionUnsupported,
    "DPY-3015": LoginRejected,  # a verifier of 10g only
    "DPY-4001": LoginRejected,  # no password
    "DPY-4011": ProtocolViolation,
    "DPY-4024": RemoteTimeout,  # call_timeout
    "DPY-4034": ProtocolViolation,
    "DPY-6000": ConnectionUnexplained,
    "DPY-6001": DatabaseMissing,
    "DPY-6002": TlsFailed,
    "DPY-6003": DatabaseMissing,
    "DPY-6006": TlsFailed,
}
LOST_CODES = frozenset({"DPY-1001", "DPY-4011", "DPY-4034"})

# The rest stands in the text only. The first match counts.
BY_TEXT: tuple[tuple[str, type[RemoteError]], ...] = (
    (r"WRONG_VERSION_NUMBER|record layer failure|UNKNOWN_PROTOCOL|packet length too long", ProtocolViolation),
    (r"(?i)\bSSL|certificate|\btls\b", TlsFailed),
    (r"timed out|Errno 110\b", RemoteTimeout),
    (r"Errno (111|112|113|101)\b|Connect call failed|Connection refused|unreachable|No route", ConnectionRefused),
)
SERVER_CODE = re.compile(r"(?:ORA|TNS)-(\d{5})")
DRIVER_CODE = re.compile(r"DPY-\d{4}")
NOISE = re.compile(r"\s*Help: https?://\S+|DPY-6005: cannot connect to database \(CONNECTION_ID=[^)]*\)\.?\s*")


def translate(error: BaseException, target: Target, *, connecting: bool = False) -> RemoteError:
    """What a driver error means.

    `extra["code"]` holds the server's number, else the driver's code, else `LOST` when the connection was.
    """
    aborted = target.interrupt.error(target)
    if aborted is not None:
        return aborted
    text = " ".join(NOISE.sub("", str(error)).split()) or type(error).__name__
    numbers = [int(number) for number in SERVER_CODE.findall(text)]
    codes = DRIVER_CODE.findall(text)
    found = next((BY_NUMBER[number] for number in numbers if number in BY_NUMBER), None)
    if found is None:
        found = next((BY_DRIVER_CODE[code] for code in codes if code in BY_DRIVER_CODE), None)
    if found in (None, ConnectionUnexplained):
        found = _by_cause(error, text) or found
    if found is None:
        is_server = bool(numbers)
        unexplained: type[RemoteError] = ConnectionUnexplained if connecting else AnswerUnexplained
        found = unexplained if is_server or codes else ProtocolViolation
    detail = without_password(text, target)
    code = LOST if _is_lost(error, codes) else str(numbers[0]) if numbers else codes[0] if codes else ""
    return found(**target.address, **_particulars(found, target), detail=detail, extra={"code": code})


def ends_reading(error: RemoteError, target: Target) -> bool:
    """Whether nothing more can be read after this failure: the connection is lost, or nobody waits for it any more."""
    return error.extra.get("code") == LOST or bool(target.interrupt.reason)


def _by_cause(error: BaseException, text: str) -> type[RemoteError] | None:
    cause: BaseException | None = error
    for pattern, found in BY_TEXT:
        if re.search(pattern, text):
            return found
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return TlsFailed
        cause = cause.__cause__ or cause.__context__
    return None


def _is_lost(error: BaseException, codes: list[str]) -> bool:
    return isinstance(error, OSError | asyncio.CancelledError) or not LOST_CODES.isdisjoint(codes)


def _particulars(found: type[RemoteError], target: Target) -> dict[str, str]:
    """The parameters that only some errors have: what was missing, and the statement that helps."""
    database = target.database or "ORCL"
    account = quoted(account_name(target.username))
    if found is VersionUnsupported:
        return {"version": "11.2 or older", "minimum": "12.1"}
    if found is DatabaseMissing:
        return {"database": database}
    if found is DatabaseClosed:
        return {"database": database, "statement": f"ALTER PLUGGABLE DATABASE {identifier(database.upper())} OPEN"}
    if found is ConnectDenied:
        return {"database": database, "statement": f"GRANT CREATE SESSION TO {account}"}
    return {}
