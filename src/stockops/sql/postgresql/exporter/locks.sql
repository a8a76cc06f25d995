-- Locks of each database by mode, granted or not; a zero for each mode of each database is made
-- of the names. The locks of this question itself are left out.
SELECT json_build_object(
         'databases', (SELECT json_agg(d.datname) FROM pg_database AS d),
         'locks', coalesce((
           SELECT json_agg(row_to_json(s))
             FROM (SELECT d.datname, lower(l.mode) AS mode, count(*) AS count,
                          count(*) FILTER (WHERE NOT l.granted) AS waiting
                     FROM pg_locks AS l
                     JOIN pg_database AS d ON d.oid = l.database
                    WHERE l.pid IS DISTINCT FROM pg_backend_pid()
                    GROUP BY 1, 2) AS s), '[]')
       )::text AS stockops_document
 ORDER BY 1
