-- How archiving is set, how far it is, and what waits for it.
-- Needs: pg_monitor (pg_ls_archive_statusdir, and the text of archive_command).
SELECT
    current_setting('archive_mode') AS archive_mode,
    CASE WHEN current_setting('archive_mode') = 'off' THEN '' ELSE current_setting('archive_command') END AS archive_command,
    current_setting('archive_library') AS archive_library,
    current_setting('archive_timeout') AS archive_timeout,
    current_setting('wal_level') AS wal_level,
    CASE
        WHEN pg_is_in_recovery() THEN c.timeline_id
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer
    END AS timeline,
    coalesce(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text, '0/0') AS lsn,
    pg_size_bytes(current_setting('wal_segment_size')) AS segment_bytes,
    (SELECT count(*) FROM pg_ls_archive_statusdir() AS d WHERE d.name LIKE '%%.ready') AS ready,
    (SELECT min(d.modification) FROM pg_ls_archive_statusdir() AS d WHERE d.name LIKE '%%.ready') AS ready_since,
    a.last_archived_wal AS last_archived,
    a.last_archived_time AS last_archived_at,
    a.failed_count AS failed_count,
    a.last_failed_time AS last_failed_at,
    clock_timestamp() AS now
FROM pg_stat_archiver AS a
CROSS JOIN pg_control_checkpoint() AS c
ORDER BY a.last_archived_wal
