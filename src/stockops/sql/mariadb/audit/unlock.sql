-- Gives the lock back.
SELECT release_lock(concat('stockops_', %(what)s, '_', left(sha2(database(), 256), 32))) AS given
