"""The one place that knows what PostgreSQL and libpq say when something fails."""

from __future__ import annotations

import re

from dbms.base import Target, without_password
from dbms.postgresql.grants import connect_grant, quoted
from whalefall.errors import (
    AccountLocked,
    AnswerUnexplained,
    ConnectDenied,
    ConnectionRefused,
    ConnectionUnexplained,
    DatabaseClosed,
    DatabaseMissing,
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

DEFAULT_DATABASE = "postgres"
DATABASE_MISSING = "3D000"
NOT_CONNECTABLE = "55000"

# Of statements, by SQLSTATE or its first three or two characters.
BY_SQLSTATE: dict[str, type[RemoteError]] = {
    "08": ProtocolViolation,
    "08004": ConnectionRefused,
    "28": LoginRejected,
    "40001": ProtocolViolation,  # a standby cancels what conflicts with its recovery
    "42501": PrivilegeMissing,
    "53300": TooManyConnections,
    "55P03": RemoteTimeout,  # lock_timeout
    "57014": RemoteTimeout,
    "57P": ProtocolViolation,  # the database was dropped, the session was idle for too long
    "57P01": ServerRestarting,  # by an administrator's command
    "57P02": ServerRestarting,  # after a crash
    "57P03": ServerRestarting,  # not yet, or no longer
}

# While connecting, libpq hands out texts only. The server's own come in its lc_messages; of other languages than
# English we know Chinese. The first match counts: (pattern, error, SQLSTATE).
WHILE_CONNECTING: tuple[tuple[str, type[RemoteError], str], ...] = (
    (r"timeout expired|Connection timed out", RemoteTimeout, ""),
    (r"due to (lock|statement) timeout|(锁|语句|陈述).*超时", RemoteTimeout, "57014"),  # a catalogue is locked
    (r'unrecognized configuration parameter "(idle_in|max_par)', VersionUnsupported, "42704"),  # both came with 9.6
    (r"is not permitted to log in|不允许角色.+登录", AccountLocked, "28000"),
    (r"pg_hba\.conf.*(no encryption|SSL off)", TlsFailed, "28000"),
    (r"pg_hba\.conf", LoginRejected, "28000"),
    (r"server does not support SSL|SSL error|certificate|SSL (connection )?(is|was) required", TlsFailed, ""),
    (r"(?i)authentication failed|认证失败", LoginRejected, "28P01"),
    (r"no password supplied|empty password", LoginRejected, "28P01"),
    (r'role ".*" does not exist|角色 ?".*" ?不存在', LoginRejected, "28000"),
    (r'database ".*" does not exist|数据库 ?".*" ?不存在', DatabaseMissing, DATABASE_MISSING),
    (r"invalid database", DatabaseMissing, NOT_CONNECTABLE),  # an interrupted DROP DATABASE left it
    (r"permission denied for database|访问数据库.*的权限不够", ConnectDenied, "42501"),
    (r"not currently accepting connections|当前不接受联接", DatabaseClosed, NOT_CONNECTABLE),
    (r"too many (connections|clients)|connection slots|连接太多|太多的客户", TooManyConnections, "53300"),
    (r"database system is|数据库系统", ServerRestarting, "57P03"),
    (r"terminating connection", ServerRestarting, "57P01"),
    (r"Connection refused|No route to host|unreachable|Host is down", ConnectionRefused, ""),
    (
        r"expected authentication request|invalid response|server closed the connection|reset by peer|Broken pipe"
        r"|SYSCALL error|lost synchronization|unsupported frontend protocol|could not (send|receive) data"
        r"|unexpected (message|response)|protocol",
        ProtocolViolation,
        "",
    ),
)

PREFIXES = re.compile(r'^(connection failed: )?(connection to server at ".*?"(, port \d+)? failed: )?([A-Z]+:  )?')

LIBPQ_HINT = "Is the server running on that host and accepting TCP/IP connections?"  # our hint says so too


def translate(error: Exception, target: Target, *, connecting: bool = False) -> RemoteError:
    """What a driver error means. `extra["sqlstate"]` holds the SQLSTATE, as far as it is known."""
    aborted = target.interrupt.error(target)
    if aborted is not None:
        return aborted
    text = _words(error)
    sqlstate: str = getattr(error, "sqlstate", None) or ""
    found: type[RemoteError] | None = None
    if sqlstate:
        found = BY_SQLSTATE.get(sqlstate) or BY_SQLSTATE.get(sqlstate[:3]) or BY_SQLSTATE.get(sqlstate[:2])
    elif connecting:
        found, sqlstate = _by_text(text)
    else:
        found = ProtocolViolation  # without a SQLSTATE it is not the server that speaks
    found = found or AnswerUnexplained
    escaped = target.password.replace("\\", "\\\\").replace("'", "\\'")  # as in a conninfo string
    detail = without_password(text, target, spellings=(escaped,), known=(DEFAULT_DATABASE,))
    return found(**target.address, **_particulars(found, target), detail=detail, extra={"sqlstate": sqlstate})


def _particulars(found: type[RemoteError], target: Target) -> dict[str, str]:
    """The parameters that only some errors have: what was missing, and the statement that helps."""
    database = target.database or DEFAULT_DATABASE
    if found is VersionUnsupported:
        return {"version": "9.5 or older", "minimum": "9.6"}
    if found is DatabaseMissing:
        return {"database": quoted(database)}
    if found is DatabaseClosed:
        return {
            "database": quoted(database),
            "statement": f"ALTER DATABASE {quoted(database)} ALLOW_CONNECTIONS true",
        }
    if found is ConnectDenied:
        return {"database": quoted(database), "statement": connect_grant(database, target.username)}
    return {}


def _by_text(text: str) -> tuple[type[RemoteError], str]:
    for pattern, error, sqlstate in WHILE_CONNECTING:
        if re.search(pattern, text):
            return error, sqlstate
    return ConnectionUnexplained, ""


def _words(error: Exception) -> str:
    """The driver's text in one line, without what the error class says anyway."""
    return " ".join(PREFIXES.sub("", str(error), count=1).replace(LIBPQ_HINT, "").split())
