-- Every database of the wanted periods, each compared with the period before. A group of days is one of the two
-- periods of a database; "is_current" tells which, and LAG takes what the earlier one has into the later one. Figures of
-- different sources cannot be compared: there is no change unless every day of both was measured by the same method.
INSERT INTO database_size_aggregations (
    instance_id, database_name, period_type, period_start, period_end, expected_days, data_count, is_complete, is_stale,
    avg_size, max_size, min_size, avg_data_size, max_data_size, min_data_size, avg_log_size, max_log_size, min_log_size,
    size_change, size_change_percent, data_size_change, data_size_change_percent, log_size_change,
    log_size_change_percent, collected_at, created_at, calculated_at
)
WITH wanted AS (
    SELECT {wanted_columns} FROM {wanted}
), averages AS (
    SELECT
        wanted.instance_id, day.database_name, wanted.period_start, wanted.period_end, wanted.expected_days,
        wanted.is_over, day.collected_date >= wanted.period_start AS is_current,
        COUNT(*) AS data_count,
        {mean[size_bytes]} AS avg_size, MAX(size_bytes) AS max_size, MIN(size_bytes) AS min_size,
        {mean[data_size_bytes]} AS avg_data_size, MAX(data_size_bytes) AS max_data_size,
        MIN(data_size_bytes) AS min_data_size,
        {mean[log_size_bytes]} AS avg_log_size, MAX(log_size_bytes) AS max_log_size, MIN(log_size_bytes) AS min_log_size,
        MAX(day.collected_at) AS collected_at,
        CASE WHEN MIN(day.method) = MAX(day.method) THEN MIN(day.method) END AS method
    FROM wanted
    JOIN database_size_stats day
        ON day.instance_id = wanted.instance_id
        AND day.collected_date BETWEEN wanted.previous_start AND wanted.period_end
    GROUP BY 1, 2, 3, 4, 5, 6, 7
), paired AS (
    SELECT
        averages.*,
        LAG(avg_size) OVER pair AS earlier_size,
        LAG(avg_data_size) OVER pair AS earlier_data_size,
        LAG(avg_log_size) OVER pair AS earlier_log_size,
        LAG(collected_at) OVER pair AS before_collected_at,
        method = LAG(method) OVER pair AS is_comparable
    FROM averages
    WINDOW pair AS (PARTITION BY instance_id, period_start, database_name ORDER BY is_current)
), compared AS (
    SELECT
        paired.*,
        CASE WHEN is_comparable THEN earlier_size END AS before_size,
        CASE WHEN is_comparable THEN earlier_data_size END AS before_data_size,
        CASE WHEN is_comparable THEN earlier_log_size END AS before_log_size
    FROM paired
)
SELECT
    instance_id, database_name, %(period_type)s, period_start, period_end, expected_days, data_count,
    is_over AND data_count = expected_days, false,
    avg_size, max_size, min_size, avg_data_size, max_data_size, min_data_size, avg_log_size, max_log_size, min_log_size,
    avg_size - before_size, {percent[size]},
    avg_data_size - before_data_size, {percent[data_size]},
    avg_log_size - before_log_size, {percent[log_size]},
    CASE WHEN before_collected_at > collected_at THEN before_collected_at ELSE collected_at END,
    {now}, {now}
FROM compared
WHERE is_current
-- Whoever writes the same rows at the same time locks them in the same order.
ORDER BY instance_id, period_start, database_name
ON CONFLICT (instance_id, period_type, period_start, database_name) DO UPDATE SET {changes}
WHERE {differs}
RETURNING instance_id, created_at = calculated_at
