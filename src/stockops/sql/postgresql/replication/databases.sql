-- The databases that can be entered, and the number by which the log knows each.
SELECT
    d.oid::text AS number,
    d.datname::text AS name
FROM pg_database AS d
WHERE d.datallowconn
ORDER BY d.datname
