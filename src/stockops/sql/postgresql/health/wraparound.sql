-- Age of the oldest transaction number of each database, of those before the server refuses to give another.
SELECT
    d.datname::text AS subject,
    age(d.datfrozenxid) AS value,
    2147483647 - 3000000 AS allowed,
    '' AS detail
FROM pg_database AS d
ORDER BY value DESC, d.datname
LIMIT 20
