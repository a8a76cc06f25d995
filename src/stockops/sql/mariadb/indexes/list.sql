-- Every index of the tables of this database, or of all where the session is in none; the server's own are left out.
-- It shows the tables that the role has some right on. The statement that makes an index again is in SHOW CREATE TABLE, whole.
SELECT
    s.table_schema AS schema_name,
    s.table_name AS table_name,
    s.index_name AS index_name,
    concat('`', replace(s.table_schema, '`', '``'), '`.`', replace(s.table_name, '`', '``'), '`') AS quoted_table,
    concat('`', replace(s.index_name, '`', '``'), '`') AS quoted_index,
    concat(lower(t.engine), ' ', lower(max(s.index_type))) AS method,
    '' AS options,
    NULL AS predicate,
    max(s.non_unique) = 0 AS is_unique,
    s.index_name = 'PRIMARY' AS is_primary,
    0 AS is_exclusion,
    0 AS nulls_not_distinct,
    1 AS is_immediate,
    CASE WHEN max(s.non_unique) = 0 THEN s.index_name END AS constraint_name,
    CASE max(s.ignored) WHEN 'YES' THEN 'ignored' ELSE 'valid' END AS state,
    0 AS is_being_built,
    coalesce(t.create_options LIKE '%%partitioned%%', 0) AS is_partitioned,
    NULL AS parent,
    0 AS is_replica_identity,
    0 AS is_clustered,
    0 AS is_referenced,
    NULL AS first_sql,
    NULL AS definition,
    '' AS then_sql
FROM information_schema.statistics AS s
JOIN information_schema.tables AS t ON t.table_schema = s.table_schema AND t.table_name = s.table_name
WHERE s.table_schema = coalesce(database(), s.table_schema)
    AND s.table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')
    AND t.table_type <> 'TEMPORARY'
GROUP BY s.table_schema, s.table_name, s.index_name, t.engine, t.create_options
ORDER BY BINARY s.table_schema, BINARY s.table_name, BINARY s.index_name
