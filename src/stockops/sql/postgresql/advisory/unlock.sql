-- Gives the lock back.
SELECT pg_catalog.pg_advisory_unlock(hashtext('stockops audit'), hashtext(%(what)s)) AS given
