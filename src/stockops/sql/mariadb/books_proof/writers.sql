-- Transactions that have written or locked a row and have not ended, prepared ones too. Needs PROCESS.
SELECT concat_ws(' ', trx_mysql_thread_id, trx_started) AS writer
FROM information_schema.innodb_trx
WHERE trx_mysql_thread_id <> connection_id() AND (trx_rows_locked > 0 OR trx_rows_modified > 0 OR trx_lock_structs > 0)
ORDER BY writer
