-- What seeds have loaded, by table, in the order of loading; the table named * is the mark of a whole seed.
-- Needs: SELECT on seed_chunks.
SELECT
    c.plan_hash AS plan_hash,
    c.table_name AS table_name,
    count(*) AS chunks,
    CAST(sum(c.loaded_rows) AS SIGNED) AS loaded_rows
FROM seed_chunks AS c
GROUP BY c.plan_hash, c.table_name
ORDER BY min(c.loaded_at), c.plan_hash, c.table_name
