"""Account sessions over one instance with very many tables: first, unchanged, one more table, one real change."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.postgresql import floor
from benchmarks.postgresql.crowd import DATABASE, Crowd, crowded
from benchmarks.product import own_database, register, timed
from benchmarks.result import Bar, Limit, Result
from benchmarks.worker import Answer, worker

TIMES_FLOOR = 4.0  # each session is measured once only
MEMORY_MB, STORED_MB = 700, 10
LOG = "account_change_log"
TABLES = ("instance_accounts", "account_permission", LOG)
MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One session: the worker's answer, rows written by table, and the same statements alone, in seconds."""

    name: str
    answer: Answer
    alone: float
    grouped: float  # the part of the one statement that summarises
    written: dict[str, int]


def run(*, tables: int, roles: int) -> Result:
    """Measure four sessions in one worker, and what they left in our own database."""
    if tables * roles <= floor.PARAMETERS["row_limit"]:
        raise SystemExit("So few grants are kept apart: there is nothing to measure here.")
    began = time.monotonic()
    with (
        own_database() as url,
        psycopg.connect(url, autocommit=True) as own,
        crowded(tables=tables, roles=roles) as crowd,
        worker() as work,
    ):
        filling = time.monotonic() - began
        register("postgresql", [crowd.login])
        reader, schema = crowd.readers[-1], crowd.schemas[0]
        steps = [measure("first", crowd, own, work)]
        check("grants counted", _grants_counted(own), tables * roles)
        steps.append(measure("unchanged", crowd, own, work))
        crowd.add_table()
        steps.append(measure("one more table", crowd, own, work))
        crowd.shut_out(reader, schema)
        steps.append(measure("one real change", crowd, own, work))
        check("changes logged", _changes(own), [(reader, "REVOKE", f"{DATABASE}: relation:{schema}.*", ["SELECT"])])
        stored, on_disk = _stored_bytes(own), _disk_bytes(own)
    first, unchanged, more, changed = steps
    return Result(
        name="volume",
        bars=tuple(
            Bar(name=step.name, measured=step.answer.seconds, floor=step.alone, limit=TIMES_FLOOR) for step in steps
        ),
        limits=(
            Limit(name="peak memory of the worker", measured=changed.answer.peak_mb, unit="MB", at_most=MEMORY_MB),
            Limit(name="stored", measured=stored / MB, unit="MB", at_most=STORED_MB),
            Limit(name="rows written, unchanged", measured=sum(unchanged.written.values()), at_most=0),
            Limit(name="changes logged, one more table", measured=more.written[LOG], at_most=0),
            Limit(name="changes logged, one real change", measured=changed.written[LOG], at_least=1, at_most=1),
        ),
        statements=first.answer.statements,
        detail={
            "tables": tables,
            "roles": roles,
            "filling_seconds": round(filling, 1),
            "on_disk_mb": round(on_disk / MB, 2),
            "grouped_alone_seconds": {step.name: round(step.grouped, 2) for step in steps},
            "peak_mb": {step.name: round(step.answer.peak_mb, 1) for step in steps},
            "statements_per_session": {step.name: step.answer.statements for step in steps},
            "rows_written": {step.name: step.written for step in steps},
        },
    )


def measure(name: str, crowd: Crowd, own: psycopg.Connection[Any], work: Callable[[], Answer]) -> Step:
    """Run a session, and the same statements alone."""
    before = _row_versions(own)
    answer = work()
    after = _row_versions(own)
    with floor.connect(crowd.login, DATABASE) as connection:
        major = connection.info.server_version // 10_000
        grouped, _ = timed(lambda: floor.rows(connection, "object_grants_summarised", major))
    others, _ = timed(lambda: floor.read(crowd.login))
    written = {table: max(len(after[table] - before[table]), len(before[table] - after[table])) for table in TABLES}
    return Step(name=name, answer=answer, written=written, alone=others + grouped, grouped=grouped)


def check(what: str, found: object, expected: object) -> None:
    """A read that missed something must not look like a cheap one."""
    if found != expected:
        raise SystemExit(f"{what}: {found!r} instead of {expected!r}")


def _row_versions(own: psycopg.Connection[Any]) -> dict[str, set[tuple[str, str]]]:
    """Every stored version of a row; whatever writes one makes another."""
    statement = sql.SQL("SELECT ctid::text, xmin::text FROM {}")
    return {table: set(own.execute(statement.format(sql.Identifier(table))).fetchall()) for table in TABLES}


def _grants_counted(own: psycopg.Connection[Any]) -> int:
    """How many tables the stored summaries of all accounts stand for."""
    statement = sql.SQL("""
        SELECT sum((held.value ->> 'SELECT')::bigint)::bigint
        FROM account_permission, jsonb_each(permission_snapshot #> ARRAY['meta', 'summarised', {}]) held
    """)
    return _value(own, statement.format(DATABASE))


def _changes(own: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """(account, action, object, privileges) of all that was logged after the first read."""
    statement = """
        SELECT username, entry ->> 'action', entry ->> 'object', entry -> 'permissions'
        FROM account_change_log, jsonb_array_elements(privilege_diff -> 'entries') entry
        WHERE NOT is_baseline
    """
    return own.execute(statement).fetchall()


def _stored_bytes(own: psycopg.Connection[Any]) -> int:
    """What the rows take; there is no other instance."""
    statement = sql.SQL("SELECT coalesce(sum(pg_column_size(row.*)), 0)::bigint FROM {} row")
    return sum(_value(own, statement.format(sql.Identifier(table))) for table in TABLES)


def _disk_bytes(own: psycopg.Connection[Any]) -> int:
    """What the tables take with their indexes and the old versions of their rows."""
    return sum(_value(own, sql.SQL("SELECT pg_total_relation_size({})").format(table)) for table in TABLES)


def _value(own: psycopg.Connection[Any], statement: sql.Composed) -> int:
    found = own.execute(statement).fetchone()
    assert found
    return int(found[0] or 0)
