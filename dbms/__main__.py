"""Reads one server from the command line, without Django: `python -m dbms postgresql accounts --host …`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import dbms
from dbms import printing
from dbms.base import TLS_MODES, Adapter, Target
from whalefall.errors import ValidationFailed, WhaleFallError

T = TypeVar("T")

PASSWORD_VARIABLE = "WHALEFALL_PASSWORD"  # noqa: S105 - its name, not its value


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is read of a server, and the two ways to print it."""

    read: Callable[[Adapter, Any, argparse.Namespace], Any]
    as_json: Callable[[Any], dict[str, Any]]
    as_text: Callable[[Any, Adapter], Iterable[str]]


COMMANDS = {
    "accounts": Command(
        read=lambda adapter, connection, _: adapter.read_accounts(connection),
        as_json=printing.accounts_as_json,
        as_text=printing.accounts_as_text,
    ),
    "capacity": Command(
        read=lambda adapter, connection, _: _offered(adapter.read_capacity)(connection),
        as_json=printing.capacity_as_json,
        as_text=printing.capacity_as_text,
    ),
    "tables": Command(
        read=lambda adapter, connection, options: _offered(adapter.read_tables)(connection, options.of, options.most),
        as_json=printing.tables_as_json,
        as_text=printing.tables_as_text,
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0, 1 when the server could not be read, 2 for wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        # Names may hold what the terminal's encoding lacks.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.command == "tables") != (options.of is not None):
        parser.error("a database is named for tables, and for nothing else")
    try:
        adapter = dbms.get(options.db_type)
        target = _target(adapter, options)
    except (ValidationFailed, OSError, UnicodeDecodeError) as error:
        print(f"dbms: {error}", file=sys.stderr)
        return 2
    command = COMMANDS[options.command]
    try:
        with target.interrupt.after(target.fetch_timeout), adapter.connect(target) as connection:
            found = command.read(adapter, connection, options)
    except WhaleFallError as error:
        print(_one_line(target.interrupt.error(target) or error), file=sys.stderr)
        return 1
    try:
        print(json.dumps(command.as_json(found)) if options.json else "\n".join(command.as_text(found, adapter)))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough; Python must not complain again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _offered(read: T | None) -> T:
    if read is None:
        raise ValidationFailed(detail="this cannot be read of this DBMS yet")
    return read


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dbms",
        description="Read one database server.",
        epilog=f"The password is read from the environment variable {PASSWORD_VARIABLE}.",
        allow_abbrev=False,
    )
    parser.add_argument("db_type", help=f"one of {', '.join(dbms.ADAPTERS)}, or an alias such as pg")
    parser.add_argument("command", choices=COMMANDS, help="what to read")
    parser.add_argument("of", nargs="?", metavar="DATABASE", help="of which database, for tables")
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
    parser.add_argument("--most", type=_count, default=20, metavar="N", help="tables to show; default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3600:
        raise argparse.ArgumentTypeError("expected whole seconds between 1 and 3600")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError("expected a number between 1 and 10000")
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


if __name__ == "__main__":
    sys.exit(main())
