"""manage.py instances list|add|import|export|test"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

import dbms
from instances import breaker, connections, inventory, services
from instances.models import Credential, Instance
from whalefall.commands import DomainCommand
from whalefall.errors import NameExists, NotFound, ValidationFailed


class Command(DomainCommand):
    help = "The inventory: list, add, import, export and test instances."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="list|add|import|export|test")

        def action(name: str, text: str) -> ArgumentParser:
            sub: ArgumentParser = actions.add_parser(name, help=text, description=text)
            sub.add_argument("--json", action="store_true", help="print one JSON document")
            return sub

        sub = action("list", "Show the instances that are not in the recycle bin.")
        sub.add_argument("--db-type", help="only this kind")
        sub.add_argument("--tag", help="only those with this tag")

        sub = action("add", "Register an instance.")
        sub.add_argument("--name", required=True)
        sub.add_argument("--db-type", required=True)
        sub.add_argument("--host", required=True, help="host name or IP address, without port")
        sub.add_argument("--port", type=int, help="default: the usual one of the kind")
        sub.add_argument("--database", default="", help="where to connect to; default: the usual one of the kind")
        login = sub.add_mutually_exclusive_group()
        login.add_argument(
            "--username",
            help="keep a new credential USERNAME@NAME; the password comes from WHALEFALL_PASSWORD or is asked for",
        )
        login.add_argument("--credential", help="use an existing credential")
        sub.add_argument("--tls", default=Instance.Tls.DISABLE, choices=Instance.Tls.values)
        sub.add_argument("--ca", type=Path, help="PEM file of the CA; needed for --tls verify")
        sub.add_argument("--tag", action="append", default=[], help="repeatable; created when missing")
        sub.add_argument("--description", default="")
        sub.add_argument("--connect-timeout", type=int, help="seconds")
        sub.add_argument("--statement-timeout", type=int, help="seconds")

        sub = action("import", "Register every row of a CSV file, or none when one is bad.")
        sub.add_argument("file", type=Path, help="UTF-8 text; - for standard input. See export for the columns")

        sub = action("export", "Write the inventory as a CSV file that can be imported again, without passwords.")
        sub.add_argument("file", type=Path, nargs="?", help="default: standard output")

        sub = action(
            "test",
            "Log in to an instance, read it, and say what could not be read and which statements grant it. "
            "The exit status is 1 when the login fails or a grant is missing.",
        )
        sub.add_argument("name")

    def handle(self, *, action: str, **options: Any) -> None:
        actions: dict[str, Callable[..., None]] = {
            "list": self._list,
            "add": self._add,
            "import": self._import,
            "export": self._export,
            "test": self._test,
        }
        actions[action](**options)

    def _list(self, *, json: bool, db_type: str | None, tag: str | None, **_options: Any) -> None:
        found = Instance.objects.present().described().order_by("name")
        if db_type:
            found = found.filter(db_type=dbms.normalize(db_type))
        if tag:
            services.get_tag(tag)
            found = found.filter(tags__name=tag)
        if json:
            self.print_json([_document(instance) for instance in found])
            return
        lines = [
            (
                instance.name,
                instance.db_type,
                f"{instance.host}:{instance.port}",
                instance.main_version or "-",
                (breaker.describe(instance) or _("active")) if instance.is_active else _("disabled"),
            )
            for instance in found
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            self.stdout.write("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())

    def _add(self, *, json: bool, name: str, username: str | None, credential: str | None, **options: Any) -> None:
        password = _password(username) if username else ""  # before the transaction: people type slowly
        tls_ca = _read(options["ca"]).decode("ascii", "replace") if options["ca"] else ""
        with transaction.atomic():
            if username:
                login: Credential | None = _login(f"{username}@{name}", username, password)
            else:
                login = services.get_credential(credential) if credential else None
            instance = services.create_instance(
                name=name,
                db_type=options["db_type"],
                host=options["host"],
                port=options["port"],
                database_name=options["database"],
                description=options["description"],
                credential=login,
                tls_mode=options["tls"],
                tls_ca=tls_ca,
                tags=services.tags_named(options["tag"]),
                connect_timeout=options["connect_timeout"],
                statement_timeout=options["statement_timeout"],
            )
        if json:
            self.print_json(_document(instance))
        else:
            self.stdout.write(_("Added %(name)s") % {"name": instance.name})

    def _import(self, *, json: bool, file: Path, **_options: Any) -> None:
        report = inventory.import_csv(inventory.decode(_read(file)))
        if json:
            self.print_json({"success": report.success, **asdict(report)})
        elif report.success:
            self.stdout.write(_("Imported %(count)d instances") % {"count": report.created})
        for error in report.errors:
            line = _("line %(line)d: %(text)s") % {"line": error.line, "text": error.text}
            self.complain(message_code=error.message_code, text=line)
        if not report.success:
            raise SystemExit(1)

    def _export(self, *, json: bool, file: Path | None, **_options: Any) -> None:
        instances = Instance.objects.present()
        text = inventory.export_csv(instances)
        if file is not None:
            try:
                file.write_text(text, encoding="utf-8", newline="")
            except OSError as error:
                raise ValidationFailed(detail=f"{file}: {error.strerror}") from error
        if json:
            documents = [_document(instance) for instance in instances.described().order_by("name")]
            self.print_json({"count": len(documents), "file": str(file or ""), "instances": documents})
        elif file is None:
            self.stdout.write(text, ending="")

    def _test(self, *, json: bool, name: str, **_options: Any) -> None:
        report = connections.check_connection(services.get_instance(name), read=True)
        if json:
            self.print_json({"instance": name, **asdict(report), "missing": report.missing})
        elif report.success:
            self.stdout.write(
                f"{name}: {report.version}, {report.accounts} accounts, {report.databases} databases,"
                f" {report.duration} s"
            )
            for line in report.missing:
                self.stdout.write(f"  {line}")
            if report.grants:
                self.stdout.write(_("To be able to read everything, have an administrator of the server run:"))
            for statement in report.grants:
                self.stdout.write(f"  {statement};")
        if not report.success:
            self.fail(message_code=report.message_code, text=report.text, hint=report.hint)
        if report.grants:
            raise SystemExit(1)


def _document(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.pk,
        "name": instance.name,
        "db_type": instance.db_type,
        "host": instance.host,
        "port": instance.port,
        "database_name": instance.database_name,
        "main_version": instance.main_version,
        "credential": instance.credential.name if instance.credential else None,
        "tags": sorted(tag.name for tag in instance.tags.all()),
        "description": instance.description,
        "tls_mode": instance.tls_mode,
        "is_active": instance.is_active,
        "last_connected_at": instance.last_connected_at,
        "sync_count": instance.sync_count,
        "connection_failures": instance.connection_failures,
        "breaker_opened_at": instance.breaker_opened_at,
        "probed_at": instance.probed_at,
    }


def _login(name: str, username: str, password: str) -> Credential:
    """The credential of this name; what already exists is used but not changed, because others may use it, too."""
    try:
        known = services.get_credential(name)
    except NotFound:
        return services.create_credential(name=name, username=username, password=password)
    if known.username != username or not constant_time_compare(known.reveal_password(), password):
        raise NameExists(name=name)
    return known


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise ValidationFailed(detail=f"{file}: {error.strerror}") from error


def _password(username: str) -> str:
    """From the environment, or typed; never from an argument, which everybody on the machine can see."""
    password = os.environ.get("WHALEFALL_PASSWORD")
    if password is not None:
        return password
    if not sys.stdin.isatty():
        raise ValidationFailed(
            detail=_("no password for %(username)s: set WHALEFALL_PASSWORD") % {"username": username}
        )
    return getpass(_("Password of %(username)s: ") % {"username": username})
