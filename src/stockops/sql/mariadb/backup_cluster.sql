-- Which server this is, and how much it holds.
-- MariaDB has no identity of a data directory: what stands in for it is the row that the schema made once, and that every
-- restore and every replica takes along.
SELECT
    concat('mariadb-', (SELECT i.identity FROM database_identity AS i)) AS system,
    version() AS version,
    (SELECT CAST(coalesce(sum(t.data_length + t.index_length), 0) AS SIGNED) FROM information_schema.tables AS t) AS size_bytes
