-- Which chunks a seed has committed.
-- Needs: SELECT on seed_chunks.
SELECT
    c.plan_hash AS plan_hash,
    c.table_name AS table_name,
    c.chunk_no AS chunk_no,
    c.loaded_rows AS loaded_rows,
    c.sha256 AS sha256
FROM seed_chunks AS c
ORDER BY c.plan_hash, c.table_name, c.chunk_no
