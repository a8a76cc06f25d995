-- Who asks, and what that role may do that somebody who watches need not.
SELECT
    r.rolname::text AS role,
    concat_ws(
        ', ',
        CASE WHEN r.rolsuper THEN 'it is a superuser' END,
        CASE WHEN r.rolcreaterole THEN 'it may create roles' END,
        CASE WHEN r.rolcreatedb THEN 'it may create databases' END,
        CASE WHEN r.rolreplication THEN 'it may replicate' END,
        CASE WHEN r.rolbypassrls THEN 'it passes row security' END,
        CASE WHEN NOT r.rolsuper AND pg_has_role(r.oid, 'pg_write_all_data', 'MEMBER') THEN 'it may write all data' END,
        (
            SELECT 'it has the role ' || string_agg(g.rolname, ', ' ORDER BY g.rolname)
            FROM pg_roles AS g
            WHERE
                g.rolname IN ('stockops_owner', 'stockops_app', 'stockops_backup')
                AND NOT r.rolsuper AND pg_has_role(r.oid, g.oid, 'MEMBER')
        )
    ) AS too_much
FROM pg_roles AS r
WHERE r.rolname = current_user
