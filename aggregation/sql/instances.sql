-- Every instance in the wanted periods, each compared with the period before. Days whose total is a lower bound
-- (is_complete = false) are left out where their period has a better one, and nothing is compared with them.
INSERT INTO instance_size_aggregations (
    instance_id, period_type, period_start, period_end, expected_days, data_count, is_complete, is_stale, is_lower_bound,
    total_size, max_size, min_size, database_count, avg_database_count, max_database_count, min_database_count,
    total_size_change, total_size_change_percent, database_count_change, database_count_change_percent,
    trend_direction, collected_at, created_at, calculated_at
)
WITH wanted AS (
    SELECT {wanted_columns} FROM {wanted}
), days AS (
    SELECT
        wanted.*, day.total_size_bytes, day.database_count, day.is_complete, day.collected_at,
        day.collected_date >= wanted.period_start AS is_current,
        MAX(CASE WHEN day.is_complete THEN 1 ELSE 0 END) OVER period = 0 AS is_lower_bound,
        MAX(day.collected_at) OVER period AS newest
    FROM wanted
    JOIN instance_size_stats day
        ON day.instance_id = wanted.instance_id
        AND day.collected_date BETWEEN wanted.previous_start AND wanted.period_end
    WINDOW period AS (
        PARTITION BY wanted.instance_id, wanted.period_start, day.collected_date >= wanted.period_start
    )
), averages AS (
    SELECT
        instance_id, period_start, period_end, expected_days, is_over, is_current, is_lower_bound, newest,
        COUNT(*) AS data_count,
        {mean[total_size_bytes]} AS total_size, MAX(total_size_bytes) AS max_size, MIN(total_size_bytes) AS min_size,
        {mean[database_count]} AS databases, SUM(database_count) AS database_sum,
        MAX(database_count) AS max_databases, MIN(database_count) AS min_databases
    FROM days
    WHERE is_complete OR is_lower_bound
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), compared AS (
    SELECT
        averages.*,
        CASE WHEN NOT is_lower_bound THEN LAG(CASE WHEN NOT is_lower_bound THEN total_size END) OVER pair END
            AS before_total_size,
        CASE WHEN NOT is_lower_bound THEN LAG(CASE WHEN NOT is_lower_bound THEN databases END) OVER pair END
            AS before_databases,
        LAG(newest) OVER pair AS before_newest
    FROM averages
    WINDOW pair AS (PARTITION BY instance_id, period_start ORDER BY is_current)
), changed AS (
    SELECT compared.*, {percent[total_size]} AS size_percent, {percent[databases]} AS databases_percent
    FROM compared
    WHERE is_current
)
SELECT
    instance_id, %(period_type)s, period_start, period_end, expected_days, data_count,
    is_over AND data_count = expected_days AND NOT is_lower_bound, false, is_lower_bound,
    total_size, max_size, min_size, databases,
    (200 * CAST(database_sum AS bigint) + data_count) / (2 * data_count) / 100.0, max_databases, min_databases,
    total_size - before_total_size, size_percent, databases - before_databases, databases_percent,
    CASE
        WHEN size_percent IS NULL THEN ''
        WHEN size_percent > 5 THEN 'growing'
        WHEN size_percent < -5 THEN 'shrinking'
        ELSE 'stable'
    END,
    CASE WHEN before_newest > newest THEN before_newest ELSE newest END,
    {now}, {now}
FROM changed
WHERE true
-- Whoever writes the same rows at the same time locks them in the same order.
ORDER BY instance_id, period_start
ON CONFLICT (instance_id, period_type, period_start) DO UPDATE SET {changes}
WHERE {differs}
RETURNING instance_id, created_at = calculated_at
