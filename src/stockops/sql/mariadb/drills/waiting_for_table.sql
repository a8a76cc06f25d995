-- How many sessions wait for a lock of a table.
SELECT count(*) AS n
FROM information_schema.processlist
WHERE state = 'Waiting for table metadata lock'
