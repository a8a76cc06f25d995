-- What the user lacks to take a backup by %(method)s; nothing where a role is set, whose rights nobody can list, and of a dump,
-- which says itself what it may not read.
SELECT
    r.needed,
    'the server' AS place
FROM (
    SELECT 'RELOAD' AS needed
    UNION ALL SELECT 'PROCESS'
) AS r
WHERE
    current_role() IS NULL
    AND %(method)s = 'physical'
    AND NOT EXISTS (
        SELECT 1 FROM information_schema.user_privileges AS u
        WHERE
            u.privilege_type = r.needed
            AND u.grantee = concat(
                '''', left(current_user(), char_length(current_user()) - 1 - char_length(substring_index(current_user(), '@', -1))),
                '''@''', substring_index(current_user(), '@', -1), ''''
            )
    )
ORDER BY r.needed
