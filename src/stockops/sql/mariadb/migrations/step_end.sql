-- Writes down what the server said to a statement.
UPDATE stockops_migration_steps
SET state = %(state)s, ms = %(ms)s, error = %(error)s
WHERE run_id = %(run_id)s AND statement_no = %(statement_no)s
