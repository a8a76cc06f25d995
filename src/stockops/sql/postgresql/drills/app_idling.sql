-- How many sessions of the drill's application hold a transaction open and do nothing.
SELECT count(*) AS n
FROM pg_stat_activity
WHERE usename = 'app'
  AND state = 'idle in transaction'
