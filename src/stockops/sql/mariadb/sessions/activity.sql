-- Every session of the server but this one: who, since when, what it runs, what it waits for.
-- Needs PROCESS, and SELECT on performance_schema: an error without. The names of applications want performance_schema to be ON.
-- The number of a session and that of its statement (`mark`) are never given again. `spared` says why a session is not to be
-- ended. Who may not read the accounts does not see who is privileged: NULL, as is a privilege that came with a role.
-- innodb_trx is fresh only if nobody has read it for 0.1 s.
SELECT
    p.id AS session_id,
    '' AS began,
    CAST(p.query_id AS CHAR) AS mark,
    p.user AS login,
    coalesce(p.db, '') AS database_name,
    coalesce(c.attr_value, '') AS application,
    CASE
        WHEN p.command <> 'Sleep' THEN 'active'
        WHEN t.trx_id IS NOT NULL THEN 'idle in transaction'
        ELSE 'idle'
    END AS state,
    CASE
        WHEN p.command = 'Sleep' THEN ''
        WHEN t.trx_state = 'LOCK WAIT' THEN 'Lock: row'
        WHEN p.state LIKE 'Waiting for%%lock%%' OR p.state = 'User lock' THEN concat('Lock: ', CASE WHEN p.state = 'User lock' THEN 'advisory' ELSE substring(p.state, 13) END)
        ELSE coalesce(p.state, '')
    END AS wait,
    CASE WHEN p.command <> 'Sleep' THEN CAST(p.time_ms AS SIGNED) END AS statement_ms,
    CASE WHEN t.trx_id IS NOT NULL THEN 1000 * timestampdiff(SECOND, t.trx_started, now()) END AS transaction_ms,
    CAST(p.time_ms AS SIGNED) AS state_ms,
    CASE
        WHEN p.user IN ('root', 'system user', 'event_scheduler', 'mariadb.sys') THEN 1
        WHEN EXISTS (
            SELECT 1
            FROM information_schema.user_privileges AS u
            WHERE u.grantee LIKE concat('''', p.user, '''@%%') AND u.privilege_type IN ('SUPER', 'CONNECTION ADMIN')
        ) THEN 1
        WHEN EXISTS (
            SELECT 1 FROM information_schema.user_privileges AS u WHERE u.grantee LIKE concat('''', p.user, '''@%%')
        ) THEN 0
    END AS is_privileged,
    CASE
        WHEN p.command IN ('Binlog Dump', 'Slave_IO', 'Slave_SQL', 'Slave_worker') THEN concat('it is replication: ', p.command)
        WHEN p.user IN ('system user', 'event_scheduler') OR p.command = 'Daemon' THEN concat('it is a thread of the server: ', p.user)
        WHEN c.attr_value REGEXP '^(stockops (backup|archive|migrate)|mariadb-dump|mysqldump|mariabackup|mariadb-backup)'
            THEN concat('it is a backup or a migration: ', c.attr_value)
        WHEN p.info LIKE 'BACKUP STAGE%%' OR p.info LIKE 'SELECT /*!40001 SQL_NO_CACHE%%' THEN 'it is a backup'
    END AS spared,
    coalesce(p.info, '') AS sql_text
FROM information_schema.processlist AS p
LEFT JOIN information_schema.innodb_trx AS t ON t.trx_mysql_thread_id = p.id
LEFT JOIN performance_schema.session_connect_attrs AS c ON c.processlist_id = p.id AND c.attr_name = 'program_name'
WHERE p.id <> connection_id()
ORDER BY p.id
