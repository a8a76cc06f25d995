-- Writes down that a statement is about to be sent.
INSERT INTO public.stockops_migration_steps (
    run_id, statement_no, line, checksum, state, started_at
)
VALUES (%(run_id)s, %(statement_no)s, %(line)s, %(checksum)s, 'intent', clock_timestamp())
