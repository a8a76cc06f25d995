-- The journal of statements, oldest first. Needs the tables that the first `migrate up` makes.
SELECT
    run_id,
    statement_no,
    line,
    checksum,
    state,
    ms,
    error
FROM stockops_migration_steps
ORDER BY run_id, statement_no
