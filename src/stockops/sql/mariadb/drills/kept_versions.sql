-- How many old versions of rows are kept, because a snapshot may still ask for them.
SELECT count AS n
FROM information_schema.innodb_metrics
WHERE name = 'trx_rseg_history_len'
