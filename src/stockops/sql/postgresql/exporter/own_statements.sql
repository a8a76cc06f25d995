-- The numbers of the statements that an exporter of ours asks: they all answer in one column of
-- this name. It reads every text once, which a large file makes slow: for once an hour.
SELECT coalesce(json_agg(DISTINCT s.queryid::text), '[]')::text AS stockops_document
  FROM pg_stat_statements(true) AS s
 WHERE s.query LIKE '%%stockops\_document%%'
 ORDER BY 1
