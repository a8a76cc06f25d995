-- The size of each index of InnoDB as its persistent statistics have it, and how many bytes its rows need at 15/16 of a page: a
-- row is 5 bytes of header, its keys, the primary key behind them, a bit for each NULL and 2 bytes for each length. A text
-- counts as long as ANALYZE TABLE .. PERSISTENT FOR ALL found it; without that, needed_bytes is NULL. So it is of PRIMARY,
-- which holds the whole table. From 32 pages on InnoDB takes 64 at once, later 256: so many count as needed, too (n_leaf_pages
-- would tell, but is 1 for an index of 97 pages, seen on 10.11). It asks for SELECT on mysql.innodb_index_stats,
-- mysql.innodb_table_stats and mysql.column_stats.
SELECT
    z.database_name AS schema_name,
    z.table_name AS table_name,
    z.index_name AS index_name,
    CAST(z.pages * @@innodb_page_size AS SIGNED) AS size_bytes,
    CASE
        WHEN z.index_name = 'PRIMARY' OR w.bytes IS NULL THEN NULL
        ELSE CAST(
            @@innodb_page_size * least(
                z.pages,
                1 + ceil(r.n_rows * w.bytes / (@@innodb_page_size * 15 / 16 - 128))
                + CASE WHEN z.pages < 32 THEN 0 WHEN z.pages < 2560 THEN 64 ELSE 256 END
            ) AS SIGNED
        )
    END AS needed_bytes,
    concat(
        'Gather statistics: ANALYZE TABLE `', replace(z.database_name, '`', '``'), '`.`', replace(z.table_name, '`', '``'),
        '` PERSISTENT FOR ALL'
    ) AS remedy
FROM (
    SELECT
        database_name AS database_name,
        substring_index(substring_index(table_name, '#P#', 1), '#p#', 1) AS table_name,
        index_name AS index_name,
        sum(stat_value) AS pages
    FROM mysql.innodb_index_stats
    WHERE stat_name = 'size' AND database_name = coalesce(database(), database_name)
    GROUP BY 1, 2, 3
) AS z
JOIN (
    SELECT
        database_name AS database_name,
        substring_index(substring_index(table_name, '#P#', 1), '#p#', 1) AS table_name,
        sum(n_rows) AS n_rows
    FROM mysql.innodb_table_stats
    GROUP BY 1, 2
) AS r ON r.database_name = z.database_name AND r.table_name = z.table_name
LEFT JOIN (
    SELECT
        k.table_schema AS table_schema,
        k.table_name AS table_name,
        k.index_name AS index_name,
        CASE
            WHEN sum(k.bytes IS NULL) > 0 THEN NULL
            ELSE 5 + sum(k.bytes) + ceil(sum(k.is_nullable) / 8) + 2 * sum(k.is_text)
        END AS bytes
    FROM (
        SELECT
            s.table_schema AS table_schema,
            s.table_name AS table_name,
            s.index_name AS index_name,
            s.nullable = 'YES' AS is_nullable,
            c.character_maximum_length IS NOT NULL AS is_text,
            CASE
                WHEN c.data_type IN ('tinyint', 'year') THEN 1
                WHEN c.data_type = 'smallint' THEN 2
                WHEN c.data_type IN ('mediumint', 'date') THEN 3
                WHEN c.data_type IN ('int', 'float', 'inet4') THEN 4
                WHEN c.data_type IN ('bigint', 'double') THEN 8
                WHEN c.data_type IN ('uuid', 'inet6') THEN 16
                WHEN c.data_type = 'enum' THEN 2
                WHEN c.data_type = 'time' THEN 3 + ceil(c.datetime_precision / 2)
                WHEN c.data_type = 'timestamp' THEN 4 + ceil(c.datetime_precision / 2)
                WHEN c.data_type = 'datetime' THEN 5 + ceil(c.datetime_precision / 2)
                WHEN c.data_type = 'decimal' THEN 4 + ceil(c.numeric_precision * 4 / 9)
                ELSE least(v.avg_length, coalesce(s.sub_part * 4, v.avg_length))
            END AS bytes
        FROM (
            SELECT b.table_schema, b.table_name, b.index_name, b.column_name, b.sub_part, b.nullable
            FROM information_schema.statistics AS b
            WHERE b.table_schema = coalesce(database(), b.table_schema)
            UNION
            SELECT b.table_schema, b.table_name, b.index_name, p.column_name, p.sub_part, p.nullable
            FROM information_schema.statistics AS b
            JOIN information_schema.statistics AS p
                ON p.table_schema = b.table_schema AND p.table_name = b.table_name AND p.index_name = 'PRIMARY'
            WHERE b.table_schema = coalesce(database(), b.table_schema) AND b.index_name <> 'PRIMARY'
        ) AS s
        JOIN information_schema.columns AS c
            ON c.table_schema = s.table_schema AND c.table_name = s.table_name AND c.column_name = s.column_name
        LEFT JOIN mysql.column_stats AS v
            ON v.db_name = s.table_schema AND v.table_name = s.table_name AND v.column_name = s.column_name
    ) AS k
    GROUP BY k.table_schema, k.table_name, k.index_name
) AS w ON w.table_schema = z.database_name AND w.table_name = z.table_name AND w.index_name = z.index_name
ORDER BY BINARY z.database_name, BINARY z.table_name, BINARY z.index_name
