-- Gives the seed's lock back.
SELECT RELEASE_LOCK(concat('stockops seed ', md5(database()))) = 1 AS taken
