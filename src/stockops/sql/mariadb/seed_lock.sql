-- Takes the seed's lock of this database for the session, without waiting. The name is hashed: a lock's has 64 characters.
SELECT GET_LOCK(concat('stockops seed ', md5(database())), 0) = 1 AS taken
