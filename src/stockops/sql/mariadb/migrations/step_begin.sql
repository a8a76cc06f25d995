-- Writes down that a statement is about to be sent.
INSERT INTO stockops_migration_steps (
    run_id, statement_no, line, checksum, state, started_at
)
VALUES (%(run_id)s, %(statement_no)s, %(line)s, %(checksum)s, 'intent', utc_timestamp(6))
