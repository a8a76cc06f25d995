-- How many sessions of the drill's application are at work on a statement.
SELECT count(*) AS n
FROM pg_stat_activity
WHERE usename = 'app'
  AND state = 'active'
