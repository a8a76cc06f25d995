-- Who asks, and what that account may do everywhere that somebody who watches need not; and which roles of ours are in force for it.
SELECT
    CURRENT_USER() AS role,
    concat_ws(
        ', ',
        (
            SELECT group_concat(p.privilege_type ORDER BY p.privilege_type SEPARATOR ', ')
            FROM information_schema.user_privileges AS p
            WHERE
                p.grantee = concat(
                    '''', substring_index(CURRENT_USER(), '@', 1), '''@''', substring_index(CURRENT_USER(), '@', -1), ''''
                )
                AND p.privilege_type IN ('SUPER', 'CREATE USER', 'FILE', 'SHUTDOWN', 'INSERT', 'UPDATE', 'DELETE', 'DROP', 'ALTER')
        ),
        (
            SELECT group_concat('the role ', e.role_name ORDER BY e.role_name SEPARATOR ', ')
            FROM information_schema.enabled_roles AS e
            WHERE e.role_name IN ('stockops_owner', 'stockops_app', 'stockops_backup')
        )
    ) AS too_much
