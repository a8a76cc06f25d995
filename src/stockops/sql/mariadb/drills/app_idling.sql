-- How many sessions of the drill's application hold a transaction open and do nothing.
SELECT count(*) AS n
FROM information_schema.innodb_trx AS t
JOIN information_schema.processlist AS p ON p.id = t.trx_mysql_thread_id
WHERE p.user = 'app'
  AND p.command = 'Sleep'
