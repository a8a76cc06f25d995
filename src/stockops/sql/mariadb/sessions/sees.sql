-- Whether this role sees what the sessions of others do. Needs PROCESS: the server refuses it here, and hides them elsewhere.
SELECT count(*) >= 0 AS sees_others
FROM information_schema.innodb_trx
ORDER BY sees_others
