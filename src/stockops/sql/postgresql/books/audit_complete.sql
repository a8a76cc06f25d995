-- Every order has its audit row, every cancellation and expiry too, and every audit row of an order has its order.
-- What has to be logged counts 1, what was logged -1: what is there once on both sides adds up to 0.
-- Most rows are of an order as it was placed, under the number of the order: these are counted by number and date.
WITH logged AS NOT MATERIALIZED (
    SELECT audit_id, entity_id, business_date, action, action = 'place' AND audit_id > 0 AND entity_id = audit_id::text AS is_own
    FROM audit_log
    WHERE entity = 'order' AND action IN ('place', 'cancel', 'expire')
),
placed AS (
    SELECT order_id, business_date, 1 AS n FROM orders
    UNION ALL
    SELECT audit_id, business_date, -1 FROM logged WHERE is_own
),
others AS (
    SELECT closed_event_id AS event_id, order_id, DATE '0001-01-01' AS business_date, CASE reason WHEN 'cancelled' THEN 'cancel' ELSE 'expire' END AS action, 1 AS n
    FROM orders
    WHERE status = 'cancelled' AND reason IN ('cancelled', 'expired')
    UNION ALL
    SELECT
        audit_id, CASE WHEN entity_id ~ '^[1-9][0-9]{0,17}$' THEN entity_id::bigint ELSE 0 END,
        CASE action WHEN 'place' THEN business_date ELSE DATE '0001-01-01' END, action, -1
    FROM logged
    WHERE is_own IS NOT TRUE
),
wrong AS (
    SELECT order_id AS event_id, order_id, business_date, 'place' AS action, sum(n) AS missing
    FROM placed
    GROUP BY order_id, business_date
    HAVING sum(n) <> 0
    UNION ALL
    SELECT event_id, order_id, business_date, action, sum(n)
    FROM others
    GROUP BY event_id, order_id, business_date, action
    HAVING sum(n) <> 0 OR (action = 'place' AND event_id <> order_id)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY order_id, event_id, action, business_date) AS place_no,
        count(*) OVER () AS violations,
        CASE WHEN missing > 0 THEN concat_ws(' ', 'order', order_id) ELSE concat_ws(' ', 'audit row', event_id) END AS entity,
        concat_ws(' ', action, 'logged once, for an order that it was done to') AS expected,
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
