-- What the server is, and counts as a whole: writers, archiver, WAL, its role and its start.
-- Until version 16 the writer's view holds the checkpoints as well.
SELECT json_build_object(
         'version', version(),
         'start_time', extract(epoch FROM pg_postmaster_start_time()),
         'is_replica', pg_is_in_recovery(),
         'caught_up', pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn(),
         'replay_age', extract(epoch FROM now() - pg_last_xact_replay_timestamp()),
         'receivers', coalesce((SELECT json_agg(json_build_object(
                          'status', r.status,
                          'last_message', r.last_msg_receipt_time))
                                  FROM pg_stat_wal_receiver AS r), '[]'),
         'writer', (SELECT row_to_json(w) FROM pg_stat_bgwriter AS w),
         'wal', (SELECT row_to_json(w) FROM pg_stat_wal AS w),
         'archiver', (SELECT row_to_json(a) FROM pg_stat_archiver AS a),
         'archive_age', (SELECT extract(epoch FROM now() - a.last_archived_time)
                           FROM pg_stat_archiver AS a)
       )::text AS stockops_document
 ORDER BY 1
