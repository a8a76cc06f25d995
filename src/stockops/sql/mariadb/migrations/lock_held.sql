-- Whether a session still holds the lock under which migrations run.
SELECT is_used_lock(%(lock_name)s) <=> %(session_id)s AS held
