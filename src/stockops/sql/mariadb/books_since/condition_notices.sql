-- Notifications of the orders of these conditions.
SELECT n.*
FROM condition_orders AS o
STRAIGHT_JOIN notifications AS n ON n.order_id = o.order_id
