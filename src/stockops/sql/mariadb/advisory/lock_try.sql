-- Takes a lock of this database, if nobody has it; it dies with the session.
-- The name is server-wide and at most 64 characters long, so it is a hash of the database's name and of what is done.
SELECT get_lock(concat('stockops_', left(sha2(concat_ws(' ', database(), %(what)s), 256), 40)), 0) AS taken
