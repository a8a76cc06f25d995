-- How many sessions wait for a lock of a table.
SELECT count(*) AS n
FROM pg_locks
WHERE NOT granted
  AND relation = 'orders'::regclass
