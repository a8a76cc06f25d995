-- Which server this is: the row that the schema made once, and that every restore and every replica takes along.
-- Needs: SELECT on database_identity.
SELECT concat('mariadb-', i.identity) AS system
FROM database_identity AS i
