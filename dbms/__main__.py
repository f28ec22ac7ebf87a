"""Reads one server from the command line, without Django: `python -m dbms postgresql accounts --host …`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import dbms
from dbms import check
from dbms.base import TLS_MODES, Adapter, Target
from dbms.snapshots import AccountSnapshot, AccountsSnapshot, document
from whalefall.errors import ValidationFailed, WhaleFallError

PASSWORD_VARIABLE = "WHALEFALL_PASSWORD"  # noqa: S105 - its name, not its value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0, 1 when the server could not be read, 2 for wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        # Names may hold what the terminal's encoding lacks.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    options = _parser().parse_args(arguments)
    try:
        adapter = dbms.get(options.db_type)
        target = _target(adapter, options)
    except (ValidationFailed, OSError, UnicodeDecodeError) as error:
        print(f"dbms: {error}", file=sys.stderr)
        return 2
    is_good = True
    try:
        with target.interrupt.after(target.fetch_timeout):
            if options.command == "check":
                report = check.run(adapter, target)
                is_good = report.is_good
                told = json.dumps(report.document()) if options.json else "\n".join(_check_as_text(report))
            else:
                with adapter.connect(target) as connection:
                    snapshot = adapter.read_accounts(connection)
                told = json.dumps(_as_json(snapshot)) if options.json else "\n".join(_as_text(snapshot, adapter))
    except WhaleFallError as error:
        print(_one_line(target.interrupt.error(target) or error), file=sys.stderr)
        return 1
    try:
        print(told)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough; Python must not complain again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0 if is_good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dbms",
        description="Read one database server.",
        epilog=f"The password is read from the environment variable {PASSWORD_VARIABLE}.",
        allow_abbrev=False,
    )
    parser.add_argument("db_type", help=f"one of {', '.join(dbms.ADAPTERS)}, or an alias such as pg")
    parser.add_argument("command", choices=["accounts", "check"], help="what to read; check tries every statement")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=_port, help="default: the usual one")
    parser.add_argument("--user", required=True)
    parser.add_argument("--database", default="", help="where to connect to; default: the usual one")
    parser.add_argument("--tls", choices=TLS_MODES, default="disable")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="CA certificate in PEM, for --tls verify")
    parser.add_argument("--connect-timeout", type=_seconds, metavar="SECONDS")
    parser.add_argument("--statement-timeout", type=_seconds, metavar="SECONDS")
    parser.add_argument(
        "--timeout", type=_seconds, default=300, metavar="SECONDS", help="for the whole read; default: %(default)s"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3600:
        raise argparse.ArgumentTypeError("expected whole seconds between 1 and 3600")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("expected a number between 1 and 65535")
    return int(text)


def _target(adapter: Adapter, options: argparse.Namespace) -> Target:
    limits = {name: getattr(options, name) for name in ("connect_timeout", "statement_timeout")}
    return Target(
        db_type=adapter.key,
        host=options.host,
        port=options.port or adapter.default_port,
        username=options.user,
        password=os.environ.get(PASSWORD_VARIABLE, ""),
        database=options.database,
        tls_mode=options.tls,
        tls_ca=options.ca.read_text(encoding="utf-8") if options.ca else "",
        fetch_timeout=options.timeout,
        **{name: seconds for name, seconds in limits.items() if seconds is not None},
    )


def _one_line(error: WhaleFallError) -> str:
    code = f"{error.message_code} ({error.reason})" if error.reason else error.message_code
    hint = error.hint.format_map(error.params)
    text = f"{code}: {error}. {hint}" if hint else f"{code}: {error}"
    return " ".join(text.split())


def _as_json(snapshot: AccountsSnapshot) -> dict[str, Any]:
    return {
        "server": {
            "db_type": snapshot.db_type,
            "version": snapshot.version,
            "main_version": snapshot.main_version,
        },
        "coverage": [
            {"scope": coverage.scope, "status": coverage.status, "reason": coverage.reason}
            for coverage in snapshot.coverage
        ],
        "accounts": [
            {
                "username": account.username,
                "host": account.host,
                "kind": account.kind,
                "is_system": account.is_system,
                "is_superuser": account.is_superuser,
                "is_locked": account.is_locked,
                "snapshot": document(account),
            }
            for account in snapshot.accounts
        ],
    }


def _as_text(snapshot: AccountsSnapshot, adapter: Adapter) -> Iterable[str]:
    yield snapshot.version
    yield ""
    yield from _table(
        ("SCOPE", "STATUS", "REASON"),
        [(_shown(part.scope), part.status, _shown(part.reason)) for part in snapshot.coverage],
    )
    yield ""
    reached = adapter.reach(snapshot.accounts)
    yield from _table(
        ("ACCOUNT", "KIND", "SUPERUSER", "LOCKED", "GRANTS", "ROLES"),
        [
            (
                _shown(f"{account.username}@{account.host}" if account.host else account.username),
                f"{account.kind} (system)" if account.is_system else account.kind,
                "yes" if account.is_superuser or "SUPERUSER" in reached[account.key].capability_reasons else "",
                "yes" if account.is_locked else "",
                str(_count(account)),
                ", ".join(_shown(role) for role in reached[account.key].roles),
            )
            for account in sorted(snapshot.accounts, key=lambda account: (account.is_system, account.username))
        ],
    )


def _check_as_text(report: check.Report) -> Iterable[str]:
    yield report.server.version
    yield ""
    yield from _table(
        ("STATEMENT", "RESULT", "SENT", "ROWS", "MS"), [tuple(map(_shown, row)) for row in report.table()]
    )
    yield from (_shown(remark) for remark in report.remarks())


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _shown(name: str) -> str:
    """A name in one line, whatever it holds: no name may forge a second line or send codes to a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)


def _count(account: AccountSnapshot) -> int:
    """How many privileges were granted to the account itself."""
    return sum(_privileges(value) for part in account.parts.values() for key, value in part.items() if "priv" in key)


def _privileges(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_privileges(held) for held in value.values())
    return len(value) if isinstance(value, list) else 0


if __name__ == "__main__":
    sys.exit(main())
