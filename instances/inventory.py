"""The inventory as a CSV file: what is exported can be imported again, and is harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from instances.models import Credential, Instance, InstanceQuerySet, Tag
from instances.services import check
from whalefall import messages
from whalefall.errors import NameExists, NotFound, RequestDataEmpty, ValidationFailed, WhaleFallError
from whalefall.spreadsheet import guard, unguard

REQUIRED = ("name", "db_type", "host")
COLUMNS = (
    *REQUIRED,
    "port",
    "database_name",
    "description",
    "credential",
    "tags",
    "tls_mode",
    "tls_ca",
    "connect_timeout",
    "statement_timeout",
    "is_active",
)
TEXTS = ("name", "db_type", "host", "database_name", "description", "tls_mode", "tls_ca")
NUMBERS = ("port", "connect_timeout", "statement_timeout")
TRUTH = {"": True, "true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

TEMPLATE_ROW = {
    "name": "orders-db",
    "db_type": "postgresql",
    "host": "db1.example.com",
    "port": "5432",
    "description": "Order system",
    "tls_mode": "require",
    "is_active": "true",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """Why a row cannot be imported. `line` is the line in the file at which the row begins."""

    line: int
    name: str
    message_code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did: everything, or nothing and why."""

    rows: int
    created: int
    errors: tuple[RowError, ...]

    @property
    def success(self) -> bool:
        """Whether every row was imported."""
        return not self.errors


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    instance: Instance
    tags: list[Tag]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A row as it stands in the file; `fault` says why it has no cells."""

    line: int
    cells: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def decode(content: bytes) -> str:
    """The text of an uploaded file. Raises ValidationFailed when it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        detail = _("the file is not UTF-8; save it as “CSV UTF-8” (byte %(position)s)") % {"position": error.start}
        raise ValidationFailed(detail=detail) from error


def export_csv(instances: InstanceQuerySet) -> str:
    """The inventory in the form that `import_csv` takes, by name; without passwords."""
    return _write(
        {
            **{column: getattr(instance, column) for column in TEXTS},
            **{column: getattr(instance, column) or "" for column in NUMBERS},
            "credential": instance.credential.name if instance.credential else "",
            "tags": ";".join(sorted(tag.name for tag in instance.tags.all())),
            "is_active": "true" if instance.is_active else "false",
        }
        for instance in instances.described().order_by("name")
    )


def template_csv() -> str:
    """An example to fill in."""
    return _write([TEMPLATE_ROW])


@transaction.atomic
def import_csv(text: str) -> ImportReport:
    """Register every row of a CSV file, or none when one is bad; the number of statements does not depend on the rows.

    Raises ValidationFailed or RequestDataEmpty when the file as a whole cannot be read.
    """
    rows = list(_read(text))
    if not rows:
        raise RequestDataEmpty()
    taken = set(Instance.objects.values_list("name", flat=True))
    credentials = {credential.name: credential for credential in Credential.objects.all()}
    tags = {tag.name: tag for tag in Tag.objects.all()}
    first_lines: dict[str, int] = {}
    drafts: list[_Draft] = []
    errors: list[RowError] = []
    for row in rows:
        try:
            draft = _draft(row, credentials, tags)
            name = draft.instance.name
            if name in taken:
                raise NameExists(name=name)
            if first_lines.setdefault(name, row.line) != row.line:
                raise ValidationFailed(detail=_("name: also in line %(line)s") % {"line": first_lines[name]})
            drafts.append(draft)
        except WhaleFallError as error:
            errors.append(
                RowError(
                    line=row.line,
                    name=row.cells.get("name", ""),
                    message_code=error.message_code,
                    text=messages.render_error(error),
                )
            )
    if not errors:
        _insert(drafts)
    return ImportReport(rows=len(rows), created=0 if errors else len(drafts), errors=tuple(errors))


def _write(rows: Iterator[dict[str, object]] | list[dict[str, str]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([guard(str(row.get(column, ""))) for column in COLUMNS])
    return file.getvalue()


def _read(text: str) -> Iterator[_Row]:
    """The rows below the header, blank lines left out. Raises ValidationFailed for the header."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    header: list[str] = []
    line = 1
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                pass
            elif not header:
                header = _header(cells)
            elif len(cells) != len(header):
                yield _Row(
                    line=line,
                    fault=_("%(cells)s cells below %(columns)s columns")
                    % {"cells": len(cells), "columns": len(header)},
                )
            else:
                yield _Row(line=line, cells=dict(zip(header, (unguard(cell) for cell in cells), strict=True)))
            line = reader.line_num + 1
    except csv.Error as error:
        if not header:
            raise ValidationFailed(detail=str(error)) from error
        yield _Row(line=line, fault=str(error))  # where the next row begins is unknown from here on


def _header(cells: list[str]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    faults = {
        _("missing columns"): [column for column in REQUIRED if column not in header],
        _("unknown columns"): [column or "''" for column in header if column not in COLUMNS],
        _("repeated columns"): sorted({column for column in header if header.count(column) > 1}),
    }
    texts = [f"{what}: {', '.join(columns)}" for what, columns in faults.items() if columns]
    if texts:
        known = _("known are: %(columns)s") % {"columns": ", ".join(COLUMNS)}
        raise ValidationFailed(detail="; ".join([*texts, known]))
    return header


def _draft(row: _Row, credentials: dict[str, Credential], tags: dict[str, Tag]) -> _Draft:
    """An unsaved instance. Raises ValidationFailed or NotFound."""
    if row.fault:
        raise ValidationFailed(detail=row.fault)
    cells = {column: row.cells.get(column, "") for column in COLUMNS}
    instance = Instance(
        **{column: cells[column] for column in TEXTS},
        **{column: _number(column, cells[column]) for column in NUMBERS},
        is_active=_truth(cells["is_active"]),
    )
    check(instance)
    if name := cells["credential"].strip():
        if name not in credentials:
            raise NotFound(what=_("Credential"), name=name)
        instance.credential = credentials[name]
    names = list(dict.fromkeys(part.strip() for part in cells["tags"].split(";") if part.strip()))
    if unknown := [name for name in names if name not in tags]:
        raise NotFound(what=_("Tag"), name=", ".join(unknown))
    return _Draft(instance=instance, tags=[tags[name] for name in names])


def _number(column: str, cell: str) -> int | None:
    cell = cell.strip()
    if not cell:
        return None
    if not re.fullmatch(r"[0-9]{1,6}", cell):
        raise ValidationFailed(detail=_("%(column)s: not a number") % {"column": column})
    return int(cell)


def _truth(cell: str) -> bool:
    try:
        return TRUTH[cell.strip().lower()]
    except KeyError:
        raise ValidationFailed(detail=_("is_active: neither true nor false")) from None


def _insert(drafts: list[_Draft]) -> None:
    try:
        with transaction.atomic():
            Instance.objects.bulk_create([draft.instance for draft in drafts])
    except IntegrityError as error:
        raise NameExists(name=_("of one of the rows, meanwhile")) from error
    links = Instance.tags.through
    links.objects.bulk_create(
        [links(instance_id=draft.instance.pk, tag_id=tag.pk) for draft in drafts for tag in draft.tags]
    )
