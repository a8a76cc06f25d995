-- Takes the lock under which migrations run, if nobody has it; it dies with the session.
-- The name is server-wide and case-sensitive, so it holds a hash of the database's name.
SELECT get_lock(%(lock_name)s, 0) AS taken
