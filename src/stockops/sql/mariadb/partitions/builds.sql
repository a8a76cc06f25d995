-- How each partition of one table is built: where it begins, and why it is not split. `refused` is empty where nothing speaks against it.
-- MariaDB keeps no lower bound: a partition begins where the one before it ends.
SELECT
    k.part_schema,
    k.part_name,
    lag(k.ends_on) OVER (ORDER BY k.position) AS starts_on,
    '' AS stored_columns,
    '' AS options,
    '' AS refers_to,
    k.refused
FROM (
    SELECT
        p.table_schema AS part_schema,
        p.partition_name AS part_name,
        min(p.partition_ordinal_position) AS position,
        CASE
            WHEN min(p.partition_description) = 'MAXVALUE' THEN NULL
            WHEN min(p.partition_method) = 'RANGE COLUMNS' THEN CAST(trim(BOTH '''' FROM min(p.partition_description)) AS DATE)
            ELSE from_days(min(p.partition_description))
        END AS ends_on,
        CASE
            WHEN count(p.subpartition_name) > 0 THEN 'it has partitions of its own'
            WHEN min(p.partition_description) LIKE '%%:%%' AND min(p.partition_description) NOT LIKE '%% 00:00:00%%'
                THEN concat('it ends within a day: ', min(p.partition_description))
            ELSE ''
        END AS refused
    FROM information_schema.partitions AS p
    WHERE p.table_schema = %(schema_name)s AND p.table_name = %(table_name)s
    GROUP BY p.table_schema, p.partition_name
) AS k
ORDER BY k.position
