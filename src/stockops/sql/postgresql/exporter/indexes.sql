-- How often the largest indexes of this database are used; large as the planner believes.
SELECT coalesce(json_agg(row_to_json(r)), '[]')::text AS stockops_document
  FROM (SELECT current_database() AS datname, i.schemaname, i.relname, i.indexrelname,
               i.idx_scan, i.idx_tup_read, i.idx_tup_fetch
          FROM pg_stat_user_indexes AS i
          JOIN pg_class AS c ON c.oid = i.indexrelid
         ORDER BY c.relpages DESC, c.oid
         LIMIT %(indexes_max)s) AS r
 ORDER BY 1
