-- Which server this is, how much it holds, and how far its log is.
-- MariaDB has no identity of a data directory: what stands in for it is the row that the schema made once, and that every
-- restore and every replica takes along.
SELECT
    concat('mariadb-', (SELECT i.identity FROM database_identity AS i)) AS system,
    version() AS version,
    (SELECT CAST(coalesce(sum(t.data_length + t.index_length), 0) AS SIGNED) FROM information_schema.tables AS t) AS size_bytes,
    (
        SELECT CAST(v.variable_value AS SIGNED)
        FROM information_schema.global_status AS v
        WHERE v.variable_name = 'INNODB_LSN_CURRENT'
    ) AS log_bytes
