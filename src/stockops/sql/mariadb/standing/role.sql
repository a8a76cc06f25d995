-- Who asks, and what that account may do everywhere that somebody who watches need not.
SELECT
    CURRENT_USER() AS role,
    coalesce(
        (
            SELECT group_concat(p.privilege_type ORDER BY p.privilege_type SEPARATOR ', ')
            FROM information_schema.user_privileges AS p
            WHERE
                p.grantee = concat(
                    '''', substring_index(CURRENT_USER(), '@', 1), '''@''', substring_index(CURRENT_USER(), '@', -1), ''''
                )
                AND p.privilege_type IN ('SUPER', 'CREATE USER', 'FILE', 'SHUTDOWN', 'INSERT', 'UPDATE', 'DELETE', 'DROP', 'ALTER')
        ), ''
    ) AS too_much
