-- The counters of each database, its conflicts, and how old its oldest transaction is.
-- A column that this version lacks is not in the document, and nothing else is lost with it.
SELECT json_build_object(
         'databases', (SELECT json_agg(row_to_json(d)) FROM pg_stat_database AS d),
         'conflicts', (SELECT json_agg(row_to_json(c)) FROM pg_stat_database_conflicts AS c),
         'ages', (SELECT json_agg(json_build_object(
                           'datname', a.datname,
                           'datfrozenxid', age(a.datfrozenxid),
                           'datminmxid', mxid_age(a.datminmxid)))
                    FROM pg_database AS a
                   WHERE a.datallowconn)
       )::text AS stockops_document
 ORDER BY 1
