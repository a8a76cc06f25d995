-- What each statement that was sent by a client has cost so far, by its digest; what found no room has none.
-- Needs SELECT on performance_schema. Statements within routines are in their CALL. Pages are not counted.
SELECT
    coalesce(concat(coalesce(schema_name, ''), '.', digest), 'rest') AS entry,
    CASE WHEN digest IS NULL THEN 'rest' ELSE 'statement' END AS kind,
    digest AS text_key,
    coalesce(schema_name, '') AS database_name,
    CAST(count_star AS SIGNED) AS calls,
    CAST(sum_timer_wait DIV 1000000 AS SIGNED) AS total_us,
    CAST(sum_rows_sent + sum_rows_affected AS SIGNED) AS row_count,
    NULL AS pages_read,
    CAST(first_seen AS CHAR) AS since
FROM performance_schema.events_statements_summary_by_digest
ORDER BY entry
