-- Gives the seed's lock back; false where the session does not hold it, or nobody ever did.
SELECT coalesce(RELEASE_LOCK(concat('stockops seed ', md5(database()))) = 1, FALSE) AS taken
