-- The status of one condition; no row where there is none of that number.
-- Needs: SELECT on conditions.
SELECT c.status
FROM conditions AS c
WHERE c.condition_id = %(condition_id)s
ORDER BY c.condition_id
