-- Who logs in with the rights of stockops_monitor, and what each may do that a monitor need not.
-- Needs SELECT on the database mysql.
SELECT
    concat(u.user, '@', u.host) AS name,
    u.super_priv = 'Y' AS superuser,
    nullif(u.max_user_connections, 0) AS connections_max,
    concat_ws(
        ', ',
        CASE WHEN u.super_priv = 'Y' THEN 'SUPER' END,
        CASE WHEN u.create_user_priv = 'Y' THEN 'CREATE USER' END,
        CASE WHEN u.grant_priv = 'Y' THEN 'GRANT OPTION' END,
        CASE WHEN u.file_priv = 'Y' THEN 'FILE' END,
        CASE WHEN u.shutdown_priv = 'Y' THEN 'SHUTDOWN' END,
        CASE WHEN u.insert_priv = 'Y' THEN 'INSERT' END,
        CASE WHEN u.update_priv = 'Y' THEN 'UPDATE' END,
        CASE WHEN u.delete_priv = 'Y' THEN 'DELETE' END,
        CASE WHEN u.drop_priv = 'Y' THEN 'DROP' END,
        (
            SELECT group_concat(o.role ORDER BY o.role SEPARATOR ', ')
            FROM mysql.roles_mapping AS o
            WHERE o.user = u.user AND o.host = u.host AND o.role IN ('stockops_owner', 'stockops_app', 'stockops_backup')
        )
    ) AS too_much
FROM mysql.roles_mapping AS m
INNER JOIN mysql.user AS u ON u.user = m.user AND u.host = m.host
WHERE m.role = 'stockops_monitor' AND m.admin_option = 'N' AND u.is_role = 'N'
ORDER BY name
