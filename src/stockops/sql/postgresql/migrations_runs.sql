-- Every run of a migration, oldest first. Needs the tables that the first `migrate up` makes.
SELECT
    id,
    migration,
    description,
    kind,
    state,
    to_char(installed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS installed_at,
    installed_by,
    host,
    os_user,
    tool_version,
    ms,
    checksum_algorithm,
    checksum,
    content
FROM public.stockops_migrations
ORDER BY id
