-- Databases that may number orders: on this engine each has to be asked by itself. Needs: nothing.
SELECT d.datname AS name
FROM pg_database AS d
WHERE d.datallowconn AND NOT d.datistemplate
ORDER BY d.datname
