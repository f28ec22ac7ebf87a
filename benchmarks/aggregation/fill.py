"""Daily sizes of a whole fleet, made inside the server."""

from __future__ import annotations

import psycopg
from psycopg import sql

TABLES = ("database_size_stats", "instance_size_stats")
ROLLED_UP = ("database_size_aggregations", "instance_size_aggregations")

DATABASES = """
    INSERT INTO database_size_stats (
        instance_id, database_name, size_bytes, data_size_bytes, log_size_bytes, method, is_estimate, collected_date,
        collected_at
    )
    SELECT
        instance.id, 'database ' || number, 1000000 * number + 10000 * day, 900000 * number + 10000 * day,
        100000 * number, 'benchmark', false, CURRENT_DATE - day, now() - day * interval '1 day'
    FROM (SELECT %(day)s::integer AS day) one, instances instance, generate_series(1, %(databases)s) number
    ORDER BY instance.id, number
"""
INSTANCES = """
    INSERT INTO instance_size_stats (
        instance_id, total_size_bytes, database_count, hidden_size_bytes, shared_size_bytes, is_complete,
        collected_date, collected_at
    )
    SELECT instance_id, sum(size_bytes), count(*), 0, 0, true, collected_date, max(collected_at)
    FROM database_size_stats
    GROUP BY instance_id, collected_date
    ORDER BY collected_date
"""


def fill(url: str, *, instances: int, databases: int, days: int) -> int:
    """Register instances with sizes of every day before today; how many daily rows of databases there are."""
    from instances.models import Instance

    Instance.objects.bulk_create(
        Instance(name=f"server {number:04}", db_type="postgresql", host=f"server-{number}.example", port=5432)
        for number in range(instances)
    )
    with psycopg.connect(url, autocommit=True) as own:
        own.execute("SET session_replication_role = replica")  # no check of each row's foreign key
        own.execute("SET TIME ZONE 'Asia/Shanghai'")
        own.execute("SET maintenance_work_mem = '256MB'")
        # Indexes are made once all rows are there: much quicker, and the same indexes.
        restore = [statement for table in TABLES for statement in _without_indexes(own, table)]
        for day in range(days, 0, -1):  # lying on the disk as sessions write them: day by day, instance by instance
            own.execute(DATABASES, {"day": day, "databases": databases})
        own.execute(INSTANCES)
        for statement in restore:
            own.execute(statement)
        own.execute("VACUUM ANALYZE")
    return instances * databases * days


def forget(url: str) -> None:
    """As if nothing had ever been rolled up."""
    with psycopg.connect(url, autocommit=True) as own:
        own.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, ROLLED_UP))))


def _without_indexes(own: psycopg.Connection, table: str) -> list[sql.Composed]:
    """Drop a table's indexes but its primary key; the statements that bring them back."""
    name = sql.Identifier(table)
    restore = []
    unique = own.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'u'",
        [table],
    ).fetchall()
    for constraint, definition in unique:
        own.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(name, sql.Identifier(constraint)))
        restore.append(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(name, sql.Identifier(constraint), sql.SQL(definition))
        )
    others = own.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname NOT LIKE '%%_pkey'", [table]
    ).fetchall()
    for index, definition in others:
        own.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)))
        restore.append(sql.Composed([sql.SQL(definition)]))
    return restore
