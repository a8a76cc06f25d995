-- Gives the seed's lock back.
SELECT pg_advisory_unlock(hashtextextended('stockops seed', 0)) AS taken
