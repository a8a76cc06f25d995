-- What every statement has cost, without its text: reading the texts reads a file.
-- Needs the extension pg_stat_statements in this database, and pg_read_all_stats for all users'.
SELECT coalesce(json_agg(json_build_array(
         s.queryid, r.rolname, d.datname, s.calls, s.total_exec_time / 1000, s.rows,
         s.blk_read_time / 1000, s.blk_write_time / 1000)), '[]')::text AS stockops_document
  FROM (SELECT p.queryid, p.userid, p.dbid, sum(p.calls) AS calls,
               sum(p.total_exec_time) AS total_exec_time, sum(p.rows) AS rows,
               sum(p.shared_blk_read_time + p.local_blk_read_time) AS blk_read_time,
               sum(p.shared_blk_write_time + p.local_blk_write_time) AS blk_write_time
          FROM pg_stat_statements(false) AS p
         WHERE p.queryid IS NOT NULL
         GROUP BY 1, 2, 3) AS s
  LEFT JOIN pg_roles AS r ON r.oid = s.userid
  LEFT JOIN pg_database AS d ON d.oid = s.dbid
 ORDER BY 1
