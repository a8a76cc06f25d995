-- Who logs in with the rights of stockops_monitor, and what each may do that a monitor need not.
SELECT
    r.rolname::text AS name,
    r.rolsuper AS superuser,
    nullif(r.rolconnlimit, -1) AS connections_max,
    concat_ws(
        ', ',
        CASE WHEN r.rolsuper THEN 'superuser' END,
        CASE WHEN r.rolcreaterole THEN 'may create roles' END,
        CASE WHEN r.rolcreatedb THEN 'may create databases' END,
        CASE WHEN r.rolreplication THEN 'may replicate' END,
        CASE WHEN r.rolbypassrls THEN 'passes row security' END,
        (
            SELECT string_agg(g.rolname, ', ' ORDER BY g.rolname)
            FROM pg_roles AS g
            WHERE
                g.rolname IN (
                    'pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files', 'pg_signal_backend',
                    'stockops_owner', 'stockops_app', 'stockops_backup'
                )
                AND NOT r.rolsuper AND pg_has_role(r.oid, g.oid, 'MEMBER')
        )
    ) AS too_much
FROM pg_auth_members AS m
JOIN pg_roles AS g ON g.oid = m.roleid
JOIN pg_roles AS r ON r.oid = m.member
WHERE g.rolname = 'stockops_monitor' AND r.rolcanlogin AND NOT m.admin_option
ORDER BY name
