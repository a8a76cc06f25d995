-- The tables of the migration history that are there: both, or none before the first migration.
SELECT c.relname::text AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'public'
    AND c.relkind = 'r'
    AND c.relname IN ('stockops_migrations', 'stockops_migration_steps')
ORDER BY name
