-- Whether a session still holds the lock under which migrations run.
SELECT EXISTS (
    SELECT 1
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'advisory'
        AND l.granted
        AND l.objsubid = 1
        AND l.pid = %(session_id)s
        AND (l.classid::bigint << 32) | l.objid::bigint = %(lock_key)s::bigint
) AS held
