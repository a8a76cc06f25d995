-- Gives back the lock under which migrations run.
SELECT release_lock(%(lock_name)s) AS given_back
