-- The texts of digests, with commas between. Needs SELECT on performance_schema.
SELECT digest AS text_key, min(digest_text) AS sql_text
FROM performance_schema.events_statements_summary_by_digest
WHERE find_in_set(digest, %(keys)s)
GROUP BY digest
ORDER BY text_key
