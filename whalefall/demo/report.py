"""What the demo found, as values, as JSON and as tables. `docs/demo.md` describes the JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.template.defaultfilters import filesizeformat
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import dbms
from accounts_sync.models import AccountChangeLog, InstanceAccount
from capacity.models import InstanceDatabase
from classification.models import AccountClassification, AccountClassificationAssignment
from sessions_app.models import SyncSession


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """One of the demo's sessions."""

    session_id: str
    category: str
    status: str
    outcome: str
    total_instances: int
    successful_instances: int
    failed_instances: int
    duration_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceLine:
    """One instance after all sessions. Accounts and databases are counted as lists show them: no system ones.

    `size_bytes` is what these databases take together, as far as they were measured. What is said of an error is that
    of the second account session.
    """

    instance: str
    address: str
    db_type: str
    version: str
    accounts: int
    superusers: int
    locked: int
    databases: int
    size_bytes: int
    changes: int
    message_code: str
    reason: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLine:
    """One row of the change log of the second session."""

    instance: str
    account: str
    change_type: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLine:
    """A class of accounts and how many are in it."""

    code: str
    name: str
    risk_level: int
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where to look around, and as whom."""

    url: str
    username: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that the demo prints. `site` is None when nothing is served."""

    sessions: tuple[SessionLine, ...]
    instances: tuple[InstanceLine, ...]
    changes: tuple[ChangeLine, ...]
    classes: tuple[ClassLine, ...]
    site: Site | None
    duration_seconds: float


def session_line(session: SyncSession) -> SessionLine:
    """A final session."""
    return SessionLine(
        session_id=str(session.session_id),
        category=session.sync_category,
        status=session.status,
        outcome=session.outcome,
        total_instances=session.total_instances,
        successful_instances=session.successful_instances,
        failed_instances=session.failed_instances,
        duration_seconds=session.duration_seconds,
    )


def instance_lines(session: SyncSession) -> tuple[InstanceLine, ...]:
    """Every instance of a final account session, by name."""
    accounts = InstanceAccount.objects.listed()
    total = Counter(accounts.values_list("instance_id", flat=True))
    superusers = Counter(accounts.filter(is_superuser=True).values_list("instance_id", flat=True))
    locked = Counter(accounts.locked().values_list("instance_id", flat=True))
    databases = {
        row["instance_id"]: row
        for row in InstanceDatabase.objects.listed()
        .values("instance_id")
        .annotate(number=Count("pk"), size_bytes=Coalesce(Sum("size_bytes"), 0))
    }
    nothing = {"number": 0, "size_bytes": 0}
    changes = Counter(_changes(session).values_list("instance_id", flat=True))
    return tuple(
        InstanceLine(
            instance=instance.name,
            address=f"{instance.host}:{instance.port}",
            db_type=instance.db_type,
            version=instance.main_version,
            accounts=total[instance.pk],
            superusers=superusers[instance.pk],
            locked=locked[instance.pk],
            databases=databases.get(instance.pk, nothing)["number"],
            size_bytes=databases.get(instance.pk, nothing)["size_bytes"],
            changes=changes[instance.pk],
            message_code=record.message_code,
            reason=record.reason,
            error=record.error_message,
        )
        for record in session.records.select_related("instance").order_by("instance_name")
        if (instance := record.instance) is not None
    )


def change_lines(session: SyncSession) -> tuple[ChangeLine, ...]:
    """The real changes that a session found, by instance and account."""
    return tuple(
        ChangeLine(
            instance=change.instance.name,
            account=change.username,
            change_type=change.change_type,
            details=tuple(_details(change)),
        )
        for change in _changes(session).select_related("instance").order_by("instance__name", "username", "pk")
    )


def class_lines() -> tuple[ClassLine, ...]:
    """Every class that has an account, the most dangerous one first."""
    held = AccountClassificationAssignment.objects.filter(is_active=True).order_by()
    accounts = dict(held.values_list("classification").annotate(Count("account", distinct=True)))
    return tuple(
        ClassLine(code=found.code, name=found.name, risk_level=found.risk_level, accounts=accounts[found.pk])
        for found in AccountClassification.objects.filter(pk__in=list(accounts)).order_by("risk_level", "code")
    )


def _changes(session: SyncSession) -> QuerySet[AccountChangeLog]:
    return AccountChangeLog.objects.filter(session=session, is_baseline=False)


def _details(change: AccountChangeLog) -> Iterable[str]:
    for entry in change.privilege_diff.get("entries", []):
        yield " ".join(part for part in (entry["action"], ", ".join(entry["permissions"]), entry["object"]) if part)
    for entry in change.other_diff.get("entries", []):
        yield f"{entry['label']}: {entry['before']} → {entry['after']}"


def _figures(line: InstanceLine) -> Iterable[str]:
    yield from map(str, (line.accounts, line.superusers, line.locked, line.databases))
    yield filesizeformat(line.size_bytes).replace("\xa0", " ")
    yield str(line.changes)


def show(report: Report, console: Console) -> None:
    """Print the summary: a table of instances, the changes, where to go on."""
    table = Table(title="What the sessions found", title_justify="left")
    for column in ("Instance", "Kind", "Version"):
        table.add_column(column, no_wrap=True)
    for column in ("Accounts", "Superusers", "Locked", "Databases", "Size", "Changes"):
        table.add_column(column, justify="right")
    for line in report.instances:
        table.add_row(
            escape(line.instance),
            dbms.get(line.db_type).label,
            escape(line.version),
            *(_figures(line) if line.version else [""] * 6),
        )
    console.print(table)
    for line in report.instances:
        if line.message_code:
            console.print(f"{escape(line.instance)}: [red]{line.message_code}[/red] {escape(line.error)}")

    table = Table(title="What changed between them", title_justify="left")
    for column in ("Instance", "Account", "Change", "Details"):
        table.add_column(column, overflow="fold")
    for change in report.changes:
        table.add_row(
            escape(change.instance), escape(change.account), change.change_type, escape("\n".join(change.details))
        )
    console.print(table)

    table = Table(title="What the accounts are", title_justify="left")
    table.add_column("Class", overflow="fold")
    table.add_column("Risk level", justify="right")
    table.add_column("Accounts", justify="right")
    for found in report.classes:
        table.add_row(escape(found.name), str(found.risk_level), str(found.accounts))
    console.print(table)
    if report.site is not None:
        console.print(f"\nThe site: [bold]{report.site.url}[/bold]", highlight=False)
        console.print(f"Log in as [bold]{report.site.username}[/bold], password [bold]{report.site.password}[/bold]")
        console.print("Ctrl-C ends everything and leaves nothing behind.")
