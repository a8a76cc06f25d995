-- Whether we may make tables in the schema %(space)s; true where there is none, for that is found out by its table.
SELECT coalesce((SELECT has_schema_privilege(n.oid, 'CREATE') FROM pg_namespace AS n WHERE n.nspname = %(space)s), true) AS may
