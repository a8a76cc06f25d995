-- Indexes that a failed CREATE INDEX CONCURRENTLY or REINDEX left, without those that are being built.
SELECT
    i.indexrelid::regclass::text AS subject,
    1 AS value,
    NULL::bigint AS allowed,
    'of ' || i.indrelid::regclass AS detail
FROM pg_index AS i
WHERE
    NOT i.indisvalid
    AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index AS b WHERE b.index_relid = i.indexrelid)
    AND NOT EXISTS (SELECT 1 FROM pg_class AS c WHERE c.oid = i.indexrelid AND c.relkind = 'I')
ORDER BY subject
LIMIT 20
