-- All orders of the conditions that a new order or a new audit row names, and new orders of conditions that are not there.
SELECT o.*
FROM (
    SELECT c.condition_id FROM recent_conditions AS c
    UNION
    SELECT n.condition_id FROM new_orders AS n WHERE n.condition_id IS NOT NULL
) AS c
STRAIGHT_JOIN orders AS o ON o.condition_id = c.condition_id
