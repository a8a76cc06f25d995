-- The texts of statements, by their numbers (with commas between). Reads the server's file of all texts.
SELECT s.queryid::text AS text_key, min(s.query) AS sql_text
FROM pg_stat_statements(true) AS s
WHERE s.queryid = ANY (string_to_array(%(keys)s, ',')::bigint[]) AND s.query IS NOT NULL
GROUP BY s.queryid
ORDER BY text_key
