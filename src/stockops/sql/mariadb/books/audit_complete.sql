-- Every order has its audit row, every cancellation and expiry too, and every audit row of an order has its order.
-- What has to be logged counts 1, what was logged -1: what is there once on both sides adds up to 0. Actions are numbers in the
-- order of their names, 1 cancel, 2 expire, 3 place, and all numbers signed: what is sorted takes a third of the memory so.
WITH sides AS (
    SELECT order_id AS event_id, order_id, business_date, 3 AS action, 1 AS n FROM orders
    UNION ALL
    SELECT closed_event_id, order_id, DATE '0001-01-01', CASE reason WHEN 'cancelled' THEN 1 ELSE 2 END, 1
    FROM orders
    WHERE status = 'cancelled' AND reason IN ('cancelled', 'expired')
    UNION ALL
    SELECT
        audit_id, CASE WHEN entity_id = concat(CAST(entity_id AS SIGNED)) THEN greatest(CAST(entity_id AS SIGNED), 0) ELSE 0 END,
        CASE action WHEN 'place' THEN business_date ELSE DATE '0001-01-01' END, CASE action WHEN 'place' THEN 3 WHEN 'expire' THEN 2 ELSE 1 END, -1
    FROM audit_log
    WHERE entity = 'order' AND action IN ('place', 'cancel', 'expire')
),
wrong AS (
    SELECT SQL_BIG_RESULT event_id, order_id, business_date, action, sum(n) AS missing
    FROM sides
    GROUP BY event_id, order_id, business_date, action
    HAVING sum(n) <> 0 OR (action = 3 AND event_id <> order_id)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY order_id, event_id, action, business_date) AS place_no,
        count(*) OVER () AS violations,
        CASE WHEN missing > 0 THEN concat_ws(' ', 'order', order_id) ELSE concat_ws(' ', 'audit row', event_id) END AS entity,
        concat_ws(' ', CASE action WHEN 3 THEN 'place' WHEN 2 THEN 'expire' ELSE 'cancel' END, 'logged once, for an order that it was done to') AS expected,
        CASE WHEN missing > 0 THEN 'no audit row' ELSE 'no order that it fits' END AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM orders) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
