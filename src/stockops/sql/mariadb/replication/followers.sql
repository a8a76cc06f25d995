-- Who reads this server's binary log; how far behind each is, only itself knows. Needs PROCESS to see sessions of others.
SELECT
    concat(p.user, '@', p.host) AS replica,
    coalesce(p.state, '') AS state,
    '' AS received,
    '' AS applied,
    CAST(NULL AS SIGNED) AS behind_bytes,
    CAST(NULL AS DOUBLE) AS behind_s,
    '' AS slot_name
FROM information_schema.processlist AS p
WHERE p.command LIKE 'Binlog Dump%%'
ORDER BY p.id
