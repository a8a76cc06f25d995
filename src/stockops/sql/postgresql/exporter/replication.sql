-- Who follows this server and how far behind each is, and the slots that hold WAL for somebody.
-- On a replica the distance is to what it has received itself. Who replays nothing, as an archive
-- does, is behind by what it has not stored.
SELECT json_build_object(
         'followers', coalesce((
           SELECT json_agg(json_build_object(
                    'application_name', r.application_name,
                    'client_addr', host(r.client_addr),
                    'state', r.state,
                    'slot_name', s.slot_name,
                    'pid', r.pid,
                    'pg_wal_lsn_diff', pg_wal_lsn_diff(
                        here.lsn, coalesce(r.replay_lsn, r.flush_lsn, r.write_lsn)),
                    'pg_current_wal_lsn_bytes', pg_wal_lsn_diff(here.lsn, '0/0'),
                    'reply_time', r.reply_time,
                    'replay_lag', CASE WHEN r.replay_lsn IS NOT NULL
                                       THEN extract(epoch FROM r.replay_lag) END))
             FROM pg_stat_replication AS r
             LEFT JOIN pg_replication_slots AS s ON s.active_pid = r.pid), '[]'),
         'slots', coalesce((
           SELECT json_agg(json_build_object(
                    'slot_name', s.slot_name,
                    'database', s.database,
                    'active', s.active,
                    'wal_status', s.wal_status,
                    'safe_wal_size_bytes', s.safe_wal_size,
                    'pg_wal_lsn_diff', pg_wal_lsn_diff(here.lsn, s.restart_lsn)))
             FROM pg_replication_slots AS s), '[]')
       )::text AS stockops_document
  FROM (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                    ELSE pg_current_wal_lsn() END AS lsn) AS here
 ORDER BY 1
