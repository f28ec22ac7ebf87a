"""The connection test, and what is remembered about an instance's last contact."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace

from django.conf import settings
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import dbms
from dbms.base import Interrupt, Server, Target
from dbms.sizes import CapacitySnapshot
from dbms.snapshots import AccountsSnapshot, Coverage
from instances import breaker
from instances.models import Instance
from instances.services import NOT_REJECTED
from whalefall import messages
from whalefall.errors import InternalError, WhaleFallError

logger = logging.getLogger(__name__)

# Trying again would lock the account out: see "Lock-out guard" in docs/engine.md.
LOCKOUT_REASONS = frozenset({"auth", "account_locked", "password_expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionReport:
    """What a connection test found. `duration` is in seconds.

    `coverage` and `grants`, the statements that open what a grant can open, are empty unless the test read; so is
    `capacity_coverage`, the same for sizes.
    """

    success: bool
    version: str = ""
    main_version: str = ""
    coverage: tuple[Coverage, ...] = ()
    capacity_coverage: tuple[Coverage, ...] = ()
    grants: tuple[str, ...] = ()
    accounts: int | None = None
    databases: int | None = None
    message_code: str = ""
    reason: str = ""
    text: str = ""
    hint: str = ""
    duration: float

    @property
    def missing(self) -> tuple[str, ...]:
        """What could not be read, one line per scope."""
        return (
            *(_line(scope) for scope in self.coverage if scope.status != "ok"),
            *(_("size of %s") % _line(scope) for scope in self.capacity_coverage if scope.status != "ok"),
        )


def _line(scope: Coverage) -> str:
    reason = f" ({messages.translated(scope.reason)})" if scope.reason else ""
    return f"{scope.scope}: {scope.status}{reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Everything that a visit read."""

    accounts: AccountsSnapshot
    capacity: CapacitySnapshot
    grants: tuple[str, ...]


def check_connection(instance: Instance, *, read: bool = False) -> ConnectionReport:
    """Log in to the instance now, even when its login is suspended; with `read`, also read accounts and sizes.

    A success ends a suspension and closes the breaker, a rejected login begins a suspension. Ends after
    SYNC_INLINE_SECONDS, with `read` after SYNC_FETCH_SECONDS.
    """
    started = time.monotonic()
    seconds = settings.SYNC_FETCH_SECONDS if read else settings.SYNC_INLINE_SECONDS
    interrupt = Interrupt()
    target: Target | None = None
    try:
        with interrupt.after(seconds):
            target = replace(instance.target(interrupt=interrupt), fetch_timeout=seconds)
            server, found = _visit(target, read=read)
    except WhaleFallError as raised:
        error = (interrupt.error(target) if target else None) or raised
    except Exception as raised:  # a driver's surprise must not take the page down
        logger.exception("testing the connection of %s", instance.name)
        error = (interrupt.error(target) if target else None) or InternalError(detail=type(raised).__name__)
    else:
        note_success(instance.pk, version=server.version, main_version=server.main_version)
        return ConnectionReport(
            success=True,
            version=server.version,
            main_version=server.main_version,
            coverage=found.accounts.coverage if found else (),
            capacity_coverage=found.capacity.coverage if found else (),
            grants=found.grants if found else (),
            accounts=len(found.accounts.accounts) if found else None,
            databases=len(found.capacity.databases) if found else None,
            duration=round(time.monotonic() - started, 3),
        )
    if target and error.reason in LOCKOUT_REASONS:
        note_rejection(instance.pk, target, error.reason)
    return ConnectionReport(
        success=False,
        message_code=error.message_code,
        reason=error.reason,
        text=messages.render_error(error),
        hint=messages.hint(error.message_code, error.reason, error.params),
        duration=round(time.monotonic() - started, 3),
    )


def _visit(target: Target, *, read: bool) -> tuple[Server, Finding | None]:
    adapter = dbms.get(target.db_type)
    with adapter.connect(target) as connection:
        server: Server = connection.server
        if not read:
            return server, None
        accounts = adapter.read_accounts(connection)
    with adapter.connect(target) as connection:  # a read may leave its own connection closed
        capacity = adapter.read_capacity(connection)
    needed = (
        *adapter.grants(accounts, target.username),
        *adapter.capacity_grants(capacity, target.username),
    )
    return server, Finding(accounts=accounts, capacity=capacity, grants=tuple(dict.fromkeys(needed)))


def note_success(instance_pk: int, *, version: str, main_version: str) -> None:
    """Remember that the login worked and what the server runs; ends a suspension, closes the breaker. One UPDATE."""
    Instance.objects.filter(pk=instance_pk).update(
        last_connected_at=Now(),
        database_version=version[:255],
        main_version=main_version[:64],
        detailed_version=version,
        **NOT_REJECTED,
        **breaker.CLOSED,
    )


def note_rejection(instance_pk: int, target: Target, reason: str) -> None:
    """Suspend exactly this login for schedules until it changes or a connection test succeeds. One UPDATE."""
    Instance.objects.filter(pk=instance_pk).update(
        rejected_login=Instance.login_key(target), rejected_reason=reason, rejected_at=Now()
    )
