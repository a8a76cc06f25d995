-- What the user lacks to make a table in this database, fill it, give it its name and hold it against another; nothing where
-- a role is set, whose rights nobody can list. `space` %(space)s and `name` %(name)s count nothing: it is called otherwise
-- until it is whole.
SELECT
    r.needed,
    database() AS place
FROM (
    SELECT 'CREATE' AS needed
    UNION ALL SELECT 'INSERT'
    UNION ALL SELECT 'ALTER'
    UNION ALL SELECT 'DROP'
    UNION ALL SELECT 'SELECT'
) AS r
CROSS JOIN (
    SELECT
        concat(
            '''', left(current_user(), char_length(current_user()) - 1 - char_length(substring_index(current_user(), '@', -1))),
            '''@''', substring_index(current_user(), '@', -1), ''''
        ) AS grantee
) AS me
WHERE
    current_role() IS NULL AND coalesce(%(space)s, %(name)s, '') IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM information_schema.user_privileges AS u
        WHERE u.privilege_type = r.needed AND u.grantee = me.grantee
    )
    AND NOT EXISTS (
        SELECT 1 FROM information_schema.schema_privileges AS s
        WHERE s.privilege_type = r.needed AND s.grantee = me.grantee AND database() LIKE s.table_schema
    )
ORDER BY r.needed
