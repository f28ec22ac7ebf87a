"""The engine: claim, fetch in threads, apply whichever fetch ends first, claim again.

There is no barrier: a host that hangs occupies one thread and nothing else. `docs/engine.md` tells it to operators.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from queue import SimpleQueue

from django.conf import settings
from django.db import DatabaseError, OperationalError

from dbms.base import Interrupt
from sessions_app import breaker, categories, claims, lifeline, local, lockout, records, remote, sessions
from sessions_app.clock import from_now
from sessions_app.fetches import Fetch, next_finished
from sessions_app.models import OPEN, RecordStatus, SyncInstanceRecord, SyncSession
from whalefall.errors import (
    InternalError,
    OwnDatabaseError,
    OwnDatabaseUnavailable,
    RemoteTimeout,
    WhaleFallError,
)

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
SHORT_SECONDS = 0.05
MARGIN_SECONDS = 10.0
_written_off: set[Fetch] = set()  # threads of this process that a driver never gave back


def run(*, session: SyncSession | None = None, seconds: float | None = None) -> int:
    """Work on all running sessions for a turn, or on one session until it is final (at most `seconds`).

    Returns how many records were claimed.
    """
    turn = Turn(session=session, seconds=seconds)
    turn.run()
    return turn.claimed


def exhausted() -> bool:
    """Whether so many threads are written off that this process should end and be replaced."""
    return bool(4 * _lost_threads() >= settings.SYNC_THREADS)


def _lost_threads() -> int:
    # Turns of several web threads may look at once: only whole-set operations and single discards.
    for fetch in tuple(_written_off):
        if not fetch.is_alive:
            _written_off.discard(fetch)
    return len(_written_off)


class Turn:
    """One run of the engine in this process."""

    def __init__(self, *, session: SyncSession | None, seconds: float | None) -> None:
        if seconds is None and session is None:
            seconds = settings.SYNC_TURN_SECONDS
        self.session = session
        self.deadline = None if seconds is None else time.monotonic() + seconds
        # A slow fetch must not leave the other threads idle: a worker claims on while one runs, as long as whatever
        # it begins can still end before django-q2 ends its process.
        longest = settings.Q_TIMEOUT - settings.SYNC_FETCH_SECONDS - settings.SYNC_APPLY_SECONDS - MARGIN_SECONDS
        self.last_claim = time.monotonic() + longest if session is None else self.deadline
        self.end_at = time.monotonic() + settings.Q_TIMEOUT - settings.SYNC_APPLY_SECONDS - MARGIN_SECONDS
        self.claimed = 0
        self.running: dict[int, Fetch] = {}
        self.finished: SimpleQueue[Fetch] = SimpleQueue()
        self.touched: set[int] = set()  # sessions in which this process brought a record to an end
        self.renewed_at = self.looked_at = time.monotonic()
        self.claimed_at = 0.0
        self.stopping_since: float | None = None
        self.has_everything = False  # the last claim left nothing for others to wait for

    def run(self) -> None:
        try:
            while True:
                lifeline.beat()
                if self.finalize_touched() and self.session is not None:
                    return
                claimed = not self.is_closing and self.claim()
                if not self.running and not claimed and (self.is_closing or not self.has_prospects()):
                    if self.session is not None:  # its last record may be another's, who has not said so yet
                        sessions.finalize(self.session.pk)
                    return
                if self.is_closing and self.may_not_wait:
                    self.hand_over()
                    return
                ended = next_finished(self.finished, self.wait_seconds(claimed), len(self.running))
                for fetches in remote.together(ended):
                    if self.is_overtime:
                        break
                    self.keep_leases()  # before each apply: the next ones wait for it with their leases running
                    self.end(fetches)
                self.abort_overdue()
                self.keep_leases()
        finally:
            for fetch in self.running.values():  # only when something broke: nobody waits for these any more
                fetch.abort("cancelled")
                _written_off.add(fetch)

    @property
    def is_closing(self) -> bool:
        """Whether nothing more may be claimed."""
        last = self.last_claim if self.running else self.deadline
        return self.is_stopping or exhausted() or (last is not None and time.monotonic() >= last)

    @property
    def is_stopping(self) -> bool:
        """Whether this process shall end."""
        if self.stopping_since is None and lifeline.is_stopping():
            self.stopping_since = time.monotonic()
        return self.stopping_since is not None

    @property
    def may_not_wait(self) -> bool:
        """Whether the fetches that run are left to others: somebody waits for this turn to end."""
        if self.stopping_since is not None:
            return time.monotonic() >= self.stopping_since + lifeline.STOP_SECONDS
        return self.session is not None or self.is_overtime

    @property
    def is_overtime(self) -> bool:
        """Whether another apply might not end before django-q2 ends its worker: what is read then is read again."""
        return self.session is None and time.monotonic() >= self.end_at

    def wait_seconds(self, claimed: bool) -> float:
        """How long to wait for a fetch to end: a tick, but not past the nearest deadline."""
        if claimed and not self.running:
            return 0.0
        now = time.monotonic()
        deadlines = [*(fetch.next_deadline for fetch in self.running.values()), self.deadline or now]
        return min([TICK_SECONDS, *(max(moment - now, SHORT_SECONDS) for moment in deadlines if moment > now)])

    def has_prospects(self) -> bool:
        """Whether records wait for their retry, or for other workers, that this turn may still see the end of."""
        open_records = SyncInstanceRecord.objects.filter(status__in=OPEN)
        if self.session is not None:
            return open_records.filter(session=self.session).exists()
        left = (self.deadline or 0) - time.monotonic()
        return open_records.filter(status=RecordStatus.PENDING, next_attempt_at__lte=from_now(max(0.0, left))).exists()

    # Claiming -----------------------------------------------------------------------------------------------------

    def claim(self) -> bool:
        """Start what can start now; return whether anything did."""
        if any(fetch.record.lost_count >= claims.SUSPECT_LOSSES for fetch in self.running.values()):
            return False  # a suspect is worked on alone: whoever dies with it dies innocently
        free = settings.SYNC_THREADS - len(self.running) - _lost_threads()
        now = time.monotonic()
        is_worthwhile = free >= settings.SYNC_THREADS / 4 and not self.has_everything
        if self.running and not is_worthwhile and now < self.claimed_at + TICK_SECONDS:
            return False  # a claim is worth its statements for several records at once
        self.claimed_at = now
        claimed: list[SyncInstanceRecord] = []
        if free > 0:
            expected = sum(_expected_bytes(fetch.record) for fetch in self.running.values())
            claimed, self.has_everything = claims.claim_fetches(
                limit=free,
                free_bytes=settings.SYNC_MEMORY_MB * 1024 * 1024 - expected,
                idle=not self.running,
                session=self.session,
            )
        for record in claimed:
            self.start(record)
        chunk = claims.claim_chunk(self.session)
        if chunk:
            self.touched.add(chunk[0].session_id)
            for record, error in local.work(categories.local(chunk[0].sync_category), chunk, claims.run_of(chunk[0])):
                self.fail(record, error)
        if (claimed or chunk) and self.claimed == 0 and self.session is None and not self.has_everything:
            sessions.nudge()  # there is more: whoever takes the nudge calls others in turn, on any host
        self.claimed += len(claimed) + len(chunk)
        return bool(claimed or chunk)

    def start(self, record: SyncInstanceRecord) -> None:
        """Begin the fetch of a claimed record; what cannot even begin fails like a fetch that failed."""
        try:
            category = categories.remote(record.sync_category)
            target = category.target(claims.instance_of(record), Interrupt(), claims.run_of(record))
            if lockout.applies(record, target):
                records.skip(record, "credential_suspended")
                self.touched.add(record.session_id)
                return
            is_probe = breaker.applies(record)
            fetch = Fetch(
                record, breaker.probing(record, target) if is_probe else target, category.fetch, is_probe=is_probe
            )
            fetch.start(self.finished)
        except Exception as error:
            self.fail(record, error)
            return
        self.running[record.pk] = fetch

    # Ending -------------------------------------------------------------------------------------------------------

    def end(self, fetches: Sequence[Fetch]) -> None:
        """Apply what was read, or say why there is nothing."""
        read = [fetch for fetch in fetches if self.take(fetch)]
        for fetch, error in remote.work(categories.remote(fetches[0].record.sync_category), read):
            if isinstance(error, records.LeaseLost):
                logger.warning("Record %s is no longer ours; what was read for it is dropped", fetch.record.pk)
                records.free_slot(fetch.record)
            else:
                self.fail(fetch.record, error, fetch)

    def take(self, fetch: Fetch) -> bool:
        """Whether a fetch that ended has something to apply; one that has not is brought to its end."""
        if self.running.get(fetch.record.pk) is not fetch:
            return False  # written off before: somebody else answers for the record
        del self.running[fetch.record.pk]
        self.touched.add(fetch.record.session_id)
        if fetch.is_dropped:
            records.free_slot(fetch.record)
            return False
        if fetch.error is not None:
            self.fail(fetch.record, fetch.error, fetch)
            return False
        return True

    def fail(
        self, record: SyncInstanceRecord, error: BaseException, fetch: Fetch | None = None, *, keep_slot: bool = False
    ) -> None:
        """Bring a record to the state that its error deserves."""
        self.touched.add(record.session_id)
        anticipated = _anticipated(error)
        if isinstance(anticipated, InternalError):
            logger.error("Record %s failed unexpectedly", record.pk, exc_info=error)
        is_last = fetch is not None and fetch.is_probe and breaker.is_unreachable(fetch.target, anticipated.reason)
        if records.fail(record, anticipated, keep_slot=keep_slot, is_last=is_last) is None:
            logger.warning("Record %s is no longer ours; its failure is dropped", record.pk)
            records.free_slot(record)
        elif fetch is not None:
            lockout.note(record, fetch.target, anticipated.reason)
            breaker.note(record, fetch.target, anticipated.reason)

    # Watching -----------------------------------------------------------------------------------------------------

    def abort_overdue(self) -> None:
        """End fetches that are over their budget; write off those that do not even end then."""
        now = time.monotonic()
        for fetch in list(self.running.values()):
            if now > fetch.deadline:
                fetch.abort("timeout")
            if fetch.is_stuck:
                del self.running[fetch.record.pk]
                _written_off.add(fetch)
                logger.error("The fetch of record %s cannot be ended; its thread is written off", fetch.record.pk)
                if not fetch.is_dropped:
                    self.fail(fetch.record, _overdue(fetch), fetch, keep_slot=True)

    def keep_leases(self) -> None:
        """Renew the leases in time and notice records that were cancelled or taken."""
        mine = [fetch.record for fetch in self.running.values() if not fetch.is_dropped]
        now = time.monotonic()
        if not mine or now < self.looked_at + TICK_SECONDS:
            return
        self.looked_at = now
        if now > self.renewed_at + settings.SYNC_LEASE_SECONDS / 4:
            self.renewed_at = now
            sessions.renew(mine)
        kept = set(records.held(mine).values_list("pk", flat=True))
        for record in mine:
            if record.pk not in kept:
                self.running[record.pk].is_dropped = True
                self.running[record.pk].abort("cancelled")

    def finalize_touched(self) -> bool:
        """Finalize the sessions of which nothing runs here any more; whoever ends a session's last record does it."""
        busy = {fetch.record.session_id for fetch in self.running.values()}
        ended = [session_id for session_id in self.touched - busy if sessions.finalize(session_id)]
        self.touched &= busy
        return bool(ended)

    def hand_over(self) -> None:
        """Give back what this process has no more time for; the workers go on."""
        for fetch in self.running.values():
            fetch.abort("cancelled")
            if not fetch.is_dropped:
                records.release(fetch.record, closing_seconds=fetch.grace_seconds)
        sessions.nudge()


def _expected_bytes(record: SyncInstanceRecord) -> int:
    known = claims.instance_of(record).snapshot_bytes
    return claims.UNKNOWN_SNAPSHOT_BYTES if known is None else known


def _overdue(fetch: Fetch) -> WhaleFallError:
    detail = f"the whole read took longer than {fetch.target.fetch_timeout} s and could not be ended"
    return RemoteTimeout(**fetch.target.address, detail=detail)


def _anticipated(error: BaseException) -> WhaleFallError:
    if isinstance(error, WhaleFallError):
        return error
    if isinstance(error, OperationalError):
        return OwnDatabaseUnavailable(detail=type(error).__name__)
    if isinstance(error, DatabaseError):
        return OwnDatabaseError(detail=type(error).__name__)
    return InternalError(detail=type(error).__name__)
