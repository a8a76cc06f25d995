-- Who may do what with one partition beyond its owner: another one beside it gets the same.
SELECT
    string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) AS privileges,
    CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END AS grantee
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) AS x
WHERE n.nspname = %(part_schema)s AND c.relname = %(part_name)s AND x.grantee <> c.relowner
GROUP BY x.grantee
ORDER BY grantee
