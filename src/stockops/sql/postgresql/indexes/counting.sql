-- Whether this server counts the scans of indexes, and since when. Everybody may ask.
-- A crash empties the counters, and the database's own stats_reset does not tell; the cluster's counters do, all of them, so the
-- oldest of theirs is no older than the last crash, and one of them reset by hand alone does not make the others younger.
SELECT
    current_setting('track_counts')::boolean AS is_counting,
    extract(epoch FROM now() - greatest(d.stats_reset, least(b.stats_reset, w.stats_reset, a.stats_reset)))::bigint AS age_s,
    CASE WHEN current_setting('track_counts')::boolean THEN '' ELSE 'track_counts is off' END AS why_not,
    'Switch it on: ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf()' AS remedy
FROM pg_stat_database AS d
CROSS JOIN pg_stat_bgwriter AS b
CROSS JOIN pg_stat_wal AS w
CROSS JOIN pg_stat_archiver AS a
WHERE d.datname = current_database()
ORDER BY age_s
