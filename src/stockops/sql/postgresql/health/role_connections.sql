-- Sessions of each role and database that has a limit of its own.
SELECT
    'role ' || r.rolname AS subject,
    (SELECT count(*) FROM pg_stat_activity AS a WHERE a.usesysid = r.oid) AS value,
    r.rolconnlimit AS allowed,
    '' AS detail
FROM pg_roles AS r
WHERE r.rolconnlimit > 0 AND r.rolcanlogin
UNION ALL
SELECT
    'database ' || d.datname AS subject,
    (SELECT count(*) FROM pg_stat_activity AS a WHERE a.datid = d.oid) AS value,
    d.datconnlimit AS allowed,
    '' AS detail
FROM pg_database AS d
WHERE d.datconnlimit > 0
ORDER BY subject
