-- Takes a lock of this database, if nobody has it; it dies with the session.
-- The name is server-wide and at most 64 characters long, so it holds a hash of the database's name.
SELECT get_lock(concat('stockops_', %(what)s, '_', left(sha2(database(), 256), 32)), 0) AS taken
