-- Sessions by what they do and who they are, with a zero for each state of each database.
-- Our own sessions are left out: they are all of one name. Transactions that have been open for
-- long are counted without the workers of autovacuum.
SELECT json_build_object(
         'databases', (SELECT json_agg(d.datname) FROM pg_database AS d),
         'sessions', coalesce((
           SELECT json_agg(row_to_json(s))
             FROM (SELECT a.datname, a.state, a.usename, a.application_name, a.backend_type,
                          a.wait_event_type, a.wait_event, count(*) AS count,
                          max(extract(epoch FROM now() - a.xact_start)) AS max_tx_duration
                     FROM pg_stat_activity AS a
                    WHERE a.datname IS NOT NULL
                      AND a.application_name <> current_setting('application_name')
                    GROUP BY 1, 2, 3, 4, 5, 6, 7) AS s), '[]'),
         'long', (
           SELECT json_build_object('transactions', count(*),
                                    'oldest_timestamp_seconds',
                                    max(extract(epoch FROM clock_timestamp() - a.xact_start)))
             FROM pg_stat_activity AS a
            WHERE a.xact_start IS NOT NULL
              AND a.state IS DISTINCT FROM 'idle'
              AND a.backend_type <> 'autovacuum worker'
              AND a.application_name <> current_setting('application_name'))
       )::text AS stockops_document
 ORDER BY 1
