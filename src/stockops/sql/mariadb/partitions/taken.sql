-- Names that a new partition of one table cannot have.
SELECT DISTINCT p.partition_name AS name
FROM information_schema.partitions AS p
WHERE p.table_schema = %(schema_name)s AND p.table_name = %(table_name)s AND p.partition_name IS NOT NULL
ORDER BY p.partition_name
