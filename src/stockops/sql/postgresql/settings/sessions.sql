-- Sessions that do nothing, alone or in a transaction. No row for a role that may not read the state of others: a count
-- of what it may see would be no answer.
SELECT
    'sessions.' || v.name AS name,
    v.value AS value,
    NULL::float8 AS window_s,
    NULL::float8 AS hourly,
    '' AS note
FROM (
    SELECT
        count(*) FILTER (WHERE a.state = 'idle')::float8 AS idle,
        count(*) FILTER (WHERE a.state LIKE 'idle in transaction%')::float8 AS idle_in_transaction,
        coalesce(
            extract(EPOCH FROM max(now() - a.state_change) FILTER (WHERE a.state LIKE 'idle in transaction%')), 0
        )::float8 AS longest_idle_in_transaction_s
    FROM pg_stat_activity AS a
    WHERE a.backend_type = 'client backend'
) AS s
CROSS JOIN
    LATERAL (
        VALUES
        ('idle', s.idle),
        ('idle_in_transaction', s.idle_in_transaction),
        ('longest_idle_in_transaction_s', s.longest_idle_in_transaction_s)
    ) AS v (name, value)
WHERE pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
ORDER BY v.name
