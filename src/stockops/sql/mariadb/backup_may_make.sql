-- Whether we may make tables in this database; true where a role is set, whose rights nobody can list. There are no
-- schemas: `space` %(space)s counts nothing.
SELECT
    current_role() IS NOT NULL OR %(space)s IS NULL
    OR EXISTS (
        SELECT 1 FROM information_schema.user_privileges AS u
        WHERE u.privilege_type = 'CREATE' AND u.grantee = me.grantee
    )
    OR EXISTS (
        SELECT 1 FROM information_schema.schema_privileges AS s
        WHERE s.privilege_type = 'CREATE' AND s.grantee = me.grantee AND database() LIKE s.table_schema
    ) AS may
FROM (
    SELECT
        concat(
            '''', left(current_user(), char_length(current_user()) - 1 - char_length(substring_index(current_user(), '@', -1))),
            '''@''', substring_index(current_user(), '@', -1), ''''
        ) AS grantee
) AS me
ORDER BY may
