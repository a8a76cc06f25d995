-- How large each database is, and the WAL. It asks the system for each file: for the slow lane.
SELECT json_build_object(
         'databases', (SELECT json_agg(json_build_object(
                                'datname', d.datname, 'size', pg_database_size(d.oid)))
                         FROM pg_database AS d
                        WHERE has_database_privilege(d.oid, 'CONNECT')
                           OR pg_has_role('pg_read_all_stats', 'MEMBER')),
         'wal', CASE WHEN has_function_privilege('pg_ls_waldir()', 'EXECUTE')
                     THEN (SELECT json_build_object('segments', count(*), 'bytes', sum(w.size))
                             FROM pg_ls_waldir() AS w) END
       )::text AS stockops_document
 ORDER BY 1
