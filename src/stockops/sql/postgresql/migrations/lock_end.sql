-- Gives back the lock under which migrations run.
SELECT pg_catalog.pg_advisory_unlock(%(lock_key)s::bigint) AS given_back
