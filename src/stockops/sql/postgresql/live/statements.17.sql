-- What each statement that was sent by a client has cost so far; its text is asked for apart, for the server keeps it in a file.
-- An entry that was evicted and came back counts since a later moment.
-- Without pg_read_all_stats statements of others have no number; they are added up for each user and database.
SELECT
    concat_ws('.', CASE WHEN s.queryid IS NULL THEN 'hidden' END, s.userid, s.dbid, s.queryid) AS entry,
    CASE WHEN s.queryid IS NULL THEN 'hidden' ELSE 'statement' END AS kind,
    s.queryid::text AS text_key,
    coalesce(d.datname::text, '') AS database_name,
    sum(s.calls)::bigint AS calls,
    round(sum(s.total_exec_time + s.total_plan_time) * 1000)::bigint AS total_us,
    sum(s.rows)::bigint AS row_count,
    sum(s.shared_blks_read)::bigint AS pages_read,
    CASE WHEN s.queryid IS NOT NULL THEN min(s.stats_since)::text END AS since
FROM pg_stat_statements(false) AS s
LEFT JOIN pg_database AS d ON d.oid = s.dbid
WHERE s.toplevel
GROUP BY s.userid, s.dbid, s.queryid, d.datname
ORDER BY entry
