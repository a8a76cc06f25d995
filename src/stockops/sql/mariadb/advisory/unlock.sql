-- Gives the lock back.
SELECT release_lock(concat('stockops_', left(sha2(concat_ws(' ', database(), %(what)s), 256), 40))) AS given
