-- The tables of the migration history that are there: both, or none before the first migration.
SELECT table_name AS name
FROM information_schema.tables
WHERE table_schema = database()
    AND table_name IN ('stockops_migrations', 'stockops_migration_steps')
ORDER BY table_name
