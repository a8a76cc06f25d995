-- Takes the seed's lock of this database for the session, without waiting.
SELECT pg_try_advisory_lock(hashtextextended('stockops seed', 0)) AS taken
