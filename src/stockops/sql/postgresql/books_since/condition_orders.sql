-- All orders of the conditions that a new order or a new audit row names, and new orders of conditions that are not there.
SELECT o.*
FROM orders AS o
WHERE
    o.condition_id = ANY (ARRAY(
        SELECT c.condition_id FROM recent_conditions AS c
        UNION
        SELECT n.condition_id FROM new_orders AS n WHERE n.condition_id IS NOT NULL
    ))
