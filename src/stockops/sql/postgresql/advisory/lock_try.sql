-- Takes a lock of this database, if nobody has it; it dies with the session.
SELECT pg_catalog.pg_try_advisory_lock(hashtext('stockops audit'), hashtext(%(what)s)) AS taken
