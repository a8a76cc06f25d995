-- How many sessions of the drill's application are at work on a statement.
SELECT count(*) AS n
FROM information_schema.processlist
WHERE user = 'app'
  AND command = 'Query'
