-- What the server is, and counts as a whole: writers, archiver, WAL, its role and its start.
-- From version 17 on the checkpoints have a view of their own, and what a backend had to write by
-- itself is in the view of all input and output.
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
         'checkpointer', (SELECT row_to_json(c) FROM pg_stat_checkpointer AS c),
         'backends', (SELECT json_build_object('buffers_backend', sum(io.writes + io.extends),
                                               'buffers_backend_fsync', sum(io.fsyncs))
                        FROM pg_stat_io AS io
                       WHERE io.object = 'relation'
                         AND io.backend_type NOT IN ('checkpointer', 'background writer')),
         'wal', (SELECT row_to_json(w) FROM pg_stat_wal AS w),
         'archiver', (SELECT row_to_json(a) FROM pg_stat_archiver AS a),
         'archive_age', (SELECT extract(epoch FROM now() - a.last_archived_time)
                           FROM pg_stat_archiver AS a)
       )::text AS stockops_document
 ORDER BY 1
