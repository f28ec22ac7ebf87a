"""Sessions on the command line: as text for people, as JSON for scripts."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from sessions_app import categories
from sessions_app.models import RecordStatus, SyncInstanceRecord, SyncSession
from sessions_app.serializers import RecordSerializer, SessionSerializer
from whalefall.commands import DomainCommand

TROUBLE = (RecordStatus.FAILED, RecordStatus.SKIPPED, RecordStatus.CANCELLED)


def session_document(session: SyncSession, *, with_records: bool = False) -> dict[str, Any]:
    """A session as the API shows it, on request with all of its records."""
    document = dict(SessionSerializer(session).data)
    if with_records:
        document["records"] = [record_document(record) for record in records_of(session)]
        document["retries"] = [str(retry.session_id) for retry in session.retries.order_by("pk")]
    return document


def record_document(record: SyncInstanceRecord) -> dict[str, Any]:
    """A record as the API shows it."""
    return dict(RecordSerializer(record).data)


def records_of(session: SyncSession) -> list[SyncInstanceRecord]:
    """All records of a session, by instance name."""
    return list(session.records.select_related("session").order_by("instance_name", "pk"))


def session_line(session: SyncSession) -> str:
    """One line about a session."""
    counts = session.counts
    return _(
        "{session_id}  {category}  {status}  {done} completed, {failed} failed, {skipped} skipped, "
        "{cancelled} cancelled, {open} open of {total}"
    ).format(
        session_id=session.session_id,
        category=session.sync_category,
        status=session.outcome or session.status,
        done=counts[RecordStatus.COMPLETED],
        failed=counts[RecordStatus.FAILED],
        skipped=counts[RecordStatus.SKIPPED],
        cancelled=counts[RecordStatus.CANCELLED],
        open=counts[RecordStatus.PENDING] + counts[RecordStatus.RUNNING],
        total=session.total_instances,
    )


def remarks(session: SyncSession) -> list[str]:
    """What its category has to say of an ended session, in the reader's language."""
    category = categories.table().get(session.sync_category)
    return category.remarks(session.summary) if category and session.is_final else []


def lineage_lines(session: SyncSession) -> list[str]:
    """Which session this one retries, and which ones retry it."""
    lines = [_("retried by {session_id}").format(session_id=retry) for retry in session.retries.order_by("pk")]
    if session.retry_of:
        lines.insert(0, _("retry of {session_id}").format(session_id=session.retry_of))
    return lines


def record_line(record: SyncInstanceRecord) -> str:
    """One line about a record."""
    if record.status == RecordStatus.COMPLETED:
        counted = _("{instance}: {items} read, {created} created, {updated} updated, {deleted} deleted").format(
            instance=record.instance_name,
            items=record.items_synced,
            created=record.items_created,
            updated=record.items_updated,
            deleted=record.items_deleted,
        )
        category = categories.table().get(record.sync_category)
        amount = category.amount(record.sync_details) if category else ""
        return f"{counted}, {amount}" if amount else counted
    return " ".join(part for part in (f"{record.instance_name}: {record.status}", record.error_message) if part)


def print_session(command: DomainCommand, session: SyncSession, *, as_json: bool) -> None:
    """Print one session: its JSON, or a line."""
    if as_json:
        command.print_json(session_document(session))
    else:
        command.stdout.write(session_line(session))


def print_outcome(command: DomainCommand, session: SyncSession, *, as_json: bool) -> None:
    """Print how a session went: its JSON, or a line for each record; which were not read, and why, goes to stderr."""
    if as_json:
        command.print_json(session_document(session, with_records=True))
        return
    for record in records_of(session):
        if record.status in TROUBLE:
            command.complain(
                message_code=record.message_code or record.status.upper(),
                text=": ".join(part for part in (record.instance_name, record.error_message) if part),
                hint=record.hint,
            )
        else:
            command.stdout.write(record_line(record))
    for remark in remarks(session):
        command.stdout.write(remark)
    command.stdout.write(session_line(session))
