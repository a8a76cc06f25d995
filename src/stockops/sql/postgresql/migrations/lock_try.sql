-- Takes the lock under which migrations run, if nobody has it; it dies with the session.
-- Trying, not waiting: a session that waits here would hold up CREATE INDEX CONCURRENTLY.
SELECT pg_catalog.pg_try_advisory_lock(%(lock_key)s::bigint) AS taken
