"""What a remote server, or the way to it, answers."""

from __future__ import annotations

from whalefall.errors.base import N_, WhaleFallError


class RemoteError(WhaleFallError):
    """A database server, or the way to it, refused. Parameters: host, port, username, detail."""

    http_status = 409


class ConnectionFailed(RemoteError):
    message_code = "DATABASE_CONNECTION_ERROR"
    text = N_("Cannot connect to {host}:{port}: {detail}")


class UnknownHost(ConnectionFailed):
    reason, transient = "dns", True
    text = N_("The host name {host} cannot be resolved")
    hint = N_("Check the spelling and the name servers of the worker's machine.")


class ConnectionRefused(ConnectionFailed):
    reason, transient = "refused", True
    text = N_("{host}:{port} refuses connections: {detail}")
    hint = N_("Check host, port and firewall, and that the server is running.")


class TlsFailed(ConnectionFailed):
    reason = "tls"
    text = N_("No acceptable encrypted connection to {host}:{port}: {detail}")
    hint = N_("Check the instance's TLS mode and CA against what the server offers.")


class LoginRejected(ConnectionFailed):
    reason = "auth"
    text = N_("{host}:{port} rejects the login of {username}")
    hint = N_("Check user name and password of the credential, and that the server lets this client's address in.")


class AccountLocked(ConnectionFailed):
    reason = "account_locked"
    text = N_("The account {username} cannot log in to {host}:{port}: it is locked or may not log in")
    hint = N_("Unlock the account on the server, or use another credential.")


class PasswordExpired(ConnectionFailed):
    reason = "password_expired"
    text = N_("The password of {username} on {host}:{port} has expired or must be changed before anything else")
    hint = N_(
        "Set a new password on the server and enter it in the credential; let that of a monitoring account not expire."
    )


class DatabaseMissing(ConnectionFailed):
    """More parameters: database."""

    reason = "database"
    text = N_("There is no usable database {database} on {host}:{port}: {detail}")
    hint = N_("Name another database in the instance.")


class DatabaseClosed(ConnectionFailed):
    """More parameters: database, statement."""

    reason = "database_closed"
    text = N_("The database {database} on {host}:{port} accepts no connections")
    hint = N_("Name another database in the instance, or open this one to connections: {statement}")


class ConnectDenied(ConnectionFailed):
    """More parameters: database, statement."""

    reason = "privilege"
    text = N_("{username} may not connect to the database {database} on {host}:{port}")
    hint = N_("Name another database in the instance, or grant what is missing: {statement}")


class TooManyConnections(ConnectionFailed):
    reason, transient = "too_many_connections", True
    text = N_("{host}:{port} has no connection left for {username}: {detail}")
    hint = N_("Close idle connections, or raise the limit of the server, the database or the account, as it says.")


class ServerRestarting(ConnectionFailed):
    reason, transient = "restarting", True
    text = N_("{host}:{port} ends its connections or accepts none yet: {detail}")
    hint = N_("Wait until the server has started; if it stays so, look into its log.")


class ConnectionUnexplained(ConnectionFailed):
    reason = "other"
    text = N_("Cannot connect to {host}:{port}: {detail}")
    hint = N_("Try the same login with the server's own client, and look into the server's log at this moment.")


class RemoteTimeout(RemoteError):
    message_code, reason, transient = "DATABASE_TIMEOUT", "timeout", True
    text = N_("{host}:{port} did not answer in time: {detail}")
    hint = N_("Check the server's load and the network, or raise the instance's time-outs.")


class FetchCancelled(RemoteError):
    message_code, reason = "DATABASE_TIMEOUT", "cancelled"
    text = N_("Reading {host}:{port} was cancelled")


class SyncDataError(RemoteError):
    message_code = "SYNC_DATA_ERROR"
    text = N_("{host}:{port} gave no usable answer: {detail}")


class PrivilegeMissing(SyncDataError):
    reason = "privilege"
    text = N_("{username} lacks a privilege on {host}:{port}: {detail}")
    hint = N_("Grant the monitoring account what the connection test lists as missing.")


class ProtocolViolation(SyncDataError):
    reason, transient = "protocol", True
    text = N_("{host}:{port} broke off or answered unexpectedly: {detail}")
    hint = N_("Check that the port belongs to a server of this kind and that the connection is stable.")


class VersionUnsupported(SyncDataError):
    reason = "version"
    text = N_("{host}:{port} runs version {version}; the oldest supported is {minimum}")
    hint = N_("Upgrade the server, or disable the instance.")


class AnswerUnexplained(SyncDataError):
    reason = "other"
    text = N_("{host}:{port} gave no usable answer: {detail}")
    hint = N_("Look into the server's log at this moment; if the server is well, report the error.")


class AccountListShrunk(SyncDataError):
    reason = "shrunk"
    text = N_("{instance} reported {after} accounts after {before}; nothing was changed")
    hint = N_("Check what the monitoring account may see; if this is true, run the synchronization again with force.")


class NothingMeasured(SyncDataError):
    reason = "unmeasured"
    text = N_("No database of {instance} could be measured: {detail}")
    hint = N_("Grant the monitoring account what the connection test lists as missing.")
