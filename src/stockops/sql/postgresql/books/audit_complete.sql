-- Every order has its audit row, every cancellation and expiry too, and every audit row of an order has its order.
WITH wrong AS (
    SELECT 'order' AS owner, o.order_id AS owner_id, 'place' AS action, 'no audit row' AS fault
    FROM orders AS o
    LEFT JOIN audit_log AS a
        ON a.audit_id = o.order_id AND a.business_date = o.business_date AND a.action = 'place' AND a.entity = 'order'
        AND a.entity_id = o.order_id::text
    WHERE a.audit_id IS NULL
    UNION ALL
    SELECT 'order', o.order_id, CASE o.reason WHEN 'cancelled' THEN 'cancel' ELSE 'expire' END, 'no audit row'
    FROM orders AS o
    LEFT JOIN audit_log AS a
        ON a.audit_id = o.closed_event_id AND a.entity = 'order' AND a.entity_id = o.order_id::text
        AND a.action = CASE o.reason WHEN 'cancelled' THEN 'cancel' ELSE 'expire' END
    WHERE o.status = 'cancelled' AND o.reason IN ('cancelled', 'expired') AND a.audit_id IS NULL
    UNION ALL
    SELECT 'audit row', a.audit_id, a.action, 'no order that it fits'
    FROM audit_log AS a
    LEFT JOIN orders AS o
        ON o.order_id::text = a.entity_id
        AND ((a.action = 'place' AND a.audit_id = o.order_id AND a.business_date = o.business_date)
            OR (a.action IN ('cancel', 'expire') AND a.audit_id = o.closed_event_id))
    WHERE a.entity = 'order' AND a.action IN ('place', 'cancel', 'expire') AND o.order_id IS NULL
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY owner, owner_id, action) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', owner, owner_id) AS entity,
        concat_ws(' ', action, 'logged once, for an order that it was done to') AS expected,
        fault AS found
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
