"""The bare SQL: for each period type one plain statement for databases and one for instances, over everything.

Uses nothing of the product but its tables, so that it cannot get slower or faster with it.
"""

from __future__ import annotations

import psycopg

TYPES = {"daily": ("day", "1 day"), "weekly": ("week", "1 week"), "monthly": ("month", "1 month"),
         "quarterly": ("quarter", "3 months")}  # fmt: skip
BORDERS = """
    SELECT
        (date_trunc(%(unit)s, CURRENT_DATE) - 2 * %(length)s::interval)::date AS before,
        (date_trunc(%(unit)s, CURRENT_DATE) - %(length)s::interval)::date AS first,
        (date_trunc(%(unit)s, CURRENT_DATE) - interval '1 day')::date AS last
"""
DATABASES = f"""
    WITH borders AS ({BORDERS}), now AS (
        SELECT
            instance_id, database_name, round(avg(size_bytes))::bigint AS avg_size, max(size_bytes) AS max_size,
            min(size_bytes) AS min_size, count(*) AS data_count, round(avg(data_size_bytes))::bigint AS avg_data,
            max(data_size_bytes) AS max_data, min(data_size_bytes) AS min_data,
            round(avg(log_size_bytes))::bigint AS avg_log, max(log_size_bytes) AS max_log,
            min(log_size_bytes) AS min_log, max(collected_at) AS collected_at
        FROM database_size_stats, borders
        WHERE collected_date BETWEEN first AND last
        GROUP BY 1, 2
    ), earlier AS (
        SELECT
            instance_id, database_name, avg(size_bytes) AS size, avg(data_size_bytes) AS data,
            avg(log_size_bytes) AS log
        FROM database_size_stats, borders
        WHERE collected_date BETWEEN before AND first - 1
        GROUP BY 1, 2
    )
    INSERT INTO database_size_aggregations (
        instance_id, database_name, period_type, period_start, period_end, expected_days, is_complete, is_stale,
        avg_size, max_size, min_size, data_count, avg_data_size, max_data_size, min_data_size, avg_log_size,
        max_log_size, min_log_size, size_change, size_change_percent, data_size_change, data_size_change_percent,
        log_size_change, log_size_change_percent, collected_at, created_at, calculated_at
    )
    SELECT
        now.instance_id, now.database_name, %(type)s, first, last, last - first + 1, true, false,
        avg_size, max_size, min_size, data_count, avg_data, max_data, min_data, avg_log, max_log, min_log,
        avg_size - size, 100 * (avg_size - size) / nullif(size, 0), avg_data - data,
        100 * (avg_data - data) / nullif(data, 0), avg_log - log, 100 * (avg_log - log) / nullif(log, 0),
        collected_at, now(), now()
    FROM borders, now LEFT JOIN earlier USING (instance_id, database_name)
    ON CONFLICT DO NOTHING
"""
INSTANCES = f"""
    WITH borders AS ({BORDERS}), now AS (
        SELECT
            instance_id, round(avg(total_size_bytes))::bigint AS total_size, max(total_size_bytes) AS max_size,
            min(total_size_bytes) AS min_size, count(*) AS data_count, avg(database_count) AS databases,
            max(database_count) AS max_databases, min(database_count) AS min_databases,
            max(collected_at) AS collected_at
        FROM instance_size_stats, borders
        WHERE collected_date BETWEEN first AND last
        GROUP BY 1
    ), earlier AS (
        SELECT instance_id, avg(total_size_bytes) AS size, avg(database_count) AS number
        FROM instance_size_stats, borders
        WHERE collected_date BETWEEN before AND first - 1
        GROUP BY 1
    )
    INSERT INTO instance_size_aggregations (
        instance_id, period_type, period_start, period_end, expected_days, is_complete, is_stale, is_lower_bound,
        total_size, max_size, min_size, data_count, database_count, avg_database_count, max_database_count,
        min_database_count, total_size_change, total_size_change_percent, database_count_change,
        database_count_change_percent, trend_direction, collected_at, created_at, calculated_at
    )
    SELECT
        now.instance_id, %(type)s, first, last, last - first + 1, true, false, false, total_size, max_size, min_size,
        data_count, databases, databases, max_databases, min_databases, total_size - size,
        100 * (total_size - size) / nullif(size, 0), databases - number, 100 * (databases - number) / nullif(number, 0),
        'stable', collected_at, now(), now()
    FROM borders, now LEFT JOIN earlier USING (instance_id)
    ON CONFLICT DO NOTHING
"""


def work(url: str) -> int:
    """Roll everything up; how many rows were written."""
    written = 0
    with psycopg.connect(url) as own:
        own.execute("SET TIME ZONE 'Asia/Shanghai'")
        for type, (unit, length) in TYPES.items():
            for statement in (DATABASES, INSTANCES):
                written += own.execute(statement, {"type": type, "unit": unit, "length": length}).rowcount
    return written
