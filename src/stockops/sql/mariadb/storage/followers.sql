-- The replicas that are connected now and read the binary log; those that are away are not known, and who only copies it, as an archive
-- does, is none. Needs PROCESS, and SELECT on performance_schema.
SELECT
    p.user AS login,
    p.host AS host
FROM information_schema.processlist AS p
WHERE
    p.command LIKE 'Binlog Dump%%'
    AND NOT EXISTS (
        SELECT 1
        FROM performance_schema.session_connect_attrs AS a
        WHERE a.processlist_id = p.id AND a.attr_name = 'program_name' AND a.attr_value IN ('mysqlbinlog', 'mariadb-binlog')
    )
ORDER BY p.host, p.user
