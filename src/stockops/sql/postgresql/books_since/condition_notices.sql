-- Notifications of the orders of these conditions.
SELECT n.*
FROM notifications AS n
WHERE n.order_id = ANY (ARRAY(SELECT o.order_id FROM condition_orders AS o))
