-- Every run of a migration, oldest first. Needs the tables that the first `migrate up` makes.
SELECT
    id,
    migration,
    description,
    kind,
    state,
    date_trunc('second', installed_at) AS installed_at,
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
