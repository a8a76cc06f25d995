-- Every run of a migration, oldest first. Needs the tables that the first `migrate up` makes.
SELECT
    id,
    migration,
    description,
    kind,
    state,
    CAST(installed_at AS datetime) AS installed_at,
    installed_by,
    host,
    os_user,
    tool_version,
    ms,
    checksum_algorithm,
    checksum,
    content
FROM stockops_migrations
ORDER BY id
