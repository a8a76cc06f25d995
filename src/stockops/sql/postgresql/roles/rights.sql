-- What stockops_monitor is, is a member of and may do here; no row where there is no such role.
SELECT 'role' AS held FROM pg_roles AS r WHERE r.rolname = 'stockops_monitor'
UNION ALL
SELECT g.rolname::text
FROM pg_auth_members AS m
JOIN pg_roles AS g ON g.oid = m.roleid
JOIN pg_roles AS r ON r.oid = m.member
WHERE r.rolname = 'stockops_monitor'
UNION ALL
SELECT 'CONNECT'
FROM pg_roles AS r
WHERE r.rolname = 'stockops_monitor' AND has_database_privilege(r.oid, current_database(), 'CONNECT')
ORDER BY held
