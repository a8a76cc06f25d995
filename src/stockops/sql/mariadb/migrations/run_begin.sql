-- Writes down a run that begins, and answers with its number.
INSERT INTO stockops_migrations (
    migration, description, kind, state, installed_at, installed_by, host, os_user, tool_version,
    checksum_algorithm, checksum, content
)
VALUES (
    %(migration)s, %(description)s, %(kind)s, %(state)s, utc_timestamp(6), current_user(), %(host)s,
    %(os_user)s, %(tool_version)s, %(checksum_algorithm)s, %(checksum)s, %(content)s
)
RETURNING id
