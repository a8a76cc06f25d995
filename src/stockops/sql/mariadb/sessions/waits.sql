-- Which session waits for a lock that which other one holds, or wants and stands before it.
-- Needs PROCESS, and SELECT on performance_schema. Locks of rows are from InnoDB, fresh only if nobody has asked for 0.1 s. Locks of
-- tables are known only with the instrument wait/lock/metadata/sql/mdl; of those, blocking_id is NULL where it is off.
SELECT
    CAST(waiting.trx_mysql_thread_id AS SIGNED) AS waiting_id,
    CAST(blocking.trx_mysql_thread_id AS SIGNED) AS blocking_id,
    concat('row of ', coalesce(l.lock_table, 'a table'), ', ', coalesce(l.lock_mode, '?')) AS what
FROM information_schema.innodb_lock_waits AS w
JOIN information_schema.innodb_trx AS waiting ON waiting.trx_id = w.requesting_trx_id
JOIN information_schema.innodb_trx AS blocking ON blocking.trx_id = w.blocking_trx_id
LEFT JOIN information_schema.innodb_locks AS l ON l.lock_id = w.requested_lock_id
UNION
SELECT
    CAST(p.id AS SIGNED) AS waiting_id,
    CAST(other.processlist_id AS SIGNED) AS blocking_id,
    CASE
        WHEN p.state = 'User lock' THEN concat('advisory lock ', coalesce(quote(wanted.object_name), ''))
        WHEN wanted.object_name IS NULL THEN substring(p.state, 13)
        ELSE concat('table ', wanted.object_schema, '.', wanted.object_name, ', ', wanted.lock_type)
    END AS what
FROM information_schema.processlist AS p
LEFT JOIN performance_schema.threads AS mine ON mine.processlist_id = p.id
LEFT JOIN performance_schema.metadata_locks AS wanted
    ON wanted.owner_thread_id = mine.thread_id AND wanted.lock_status = 'PENDING'
LEFT JOIN performance_schema.metadata_locks AS held
    ON held.object_type = wanted.object_type
    AND held.object_schema <=> wanted.object_schema
    AND held.object_name <=> wanted.object_name
    AND held.owner_thread_id <> wanted.owner_thread_id
    AND (
        (held.lock_status = 'GRANTED' AND wanted.lock_type = 'EXCLUSIVE')
        OR held.lock_type IN ('EXCLUSIVE', 'SHARED_NO_READ_WRITE', 'SHARED_NO_WRITE')
        OR (held.lock_status = 'GRANTED' AND wanted.lock_type IN ('SHARED_NO_READ_WRITE', 'SHARED_NO_WRITE')
            AND held.lock_type IN ('SHARED_WRITE', 'SHARED_UPGRADABLE'))
        OR (wanted.object_type = 'BACKUP' AND held.lock_status = 'GRANTED')
    )
LEFT JOIN performance_schema.threads AS other ON other.thread_id = held.owner_thread_id
WHERE p.state LIKE 'Waiting for%%lock%%' OR p.state = 'User lock'
ORDER BY waiting_id, blocking_id, what
