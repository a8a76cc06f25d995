-- Whether the server has innodb_snapshot_isolation (from 10.6.18 and 10.11.8 on), and what new sessions have of it.
SELECT
    count(*) > 0 AS is_there,
    coalesce(max(v.global_value), 'OFF') = 'ON' AS is_default
FROM information_schema.system_variables AS v
WHERE v.variable_name = 'INNODB_SNAPSHOT_ISOLATION'
