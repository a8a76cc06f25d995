-- Why this role cannot make tables for the roles %(names)s in the schema %(space)s, nor make one a partition of the table %(name)s
-- there. To give a table away takes SET on its new owner, to go on with it takes his rights, and he needs CREATE himself.
SELECT
    CASE
        WHEN r.oid IS NULL THEN format('there is no role %%I, which owned it', o.name)
        WHEN NOT m.is_member THEN format('it was owned by %%I, and this role cannot act as that', o.name)
        ELSE format('it was owned by %%I, which may not CREATE in the schema %%I', o.name, n.nspname)
    END AS why
FROM unnest(%(names)s::text[]) AS o (name)
LEFT JOIN pg_roles AS r ON r.rolname = o.name
LEFT JOIN pg_namespace AS n ON n.nspname = %(space)s
CROSS JOIN LATERAL (
    SELECT
        pg_has_role(r.oid, 'USAGE')
        AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AS is_member,
        (SELECT u.rolsuper FROM pg_roles AS u WHERE u.rolname = current_user) AS is_superuser
) AS m
WHERE
    r.oid IS NULL
    OR NOT m.is_member
    OR NOT m.is_superuser AND NOT has_schema_privilege(r.oid, n.oid, 'CREATE')
UNION ALL
SELECT format('%%I.%%I is owned by %%I, and this role cannot act as that', n.nspname, c.relname, r.rolname)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_roles AS r ON r.oid = c.relowner
WHERE n.nspname = %(space)s AND c.relname = %(name)s AND NOT pg_has_role(r.oid, 'USAGE')
ORDER BY why
