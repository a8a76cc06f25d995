-- Days from now to the end of the last partition of each table partitioned by date; not of one whose last has no end.
SELECT
    p.partrelid::regclass::text AS subject,
    max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''(\d{4}-\d\d-\d\d)')::date) - current_date AS value,
    NULL::bigint AS allowed,
    '' AS detail
FROM pg_partitioned_table AS p
INNER JOIN pg_inherits AS i ON i.inhparent = p.partrelid
INNER JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE p.partstrat = 'r'
GROUP BY p.partrelid
HAVING
    count(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''(\d{4}-\d\d-\d\d)')) > 0
    AND count(*) FILTER (WHERE pg_get_expr(c.relpartbound, c.oid) LIKE '%%TO (MAXVALUE%%') = 0
ORDER BY value, subject
LIMIT 20
