-- How many slots hold the log for somebody.
SELECT
    'replication.slots' AS name,
    count(*)::float8 AS value,
    NULL::float8 AS window_s,
    NULL::float8 AS hourly,
    '' AS note
FROM pg_replication_slots
