-- New orders, and those of the proof that may have changed.
SELECT n.* FROM new_orders AS n
UNION ALL
SELECT o.* FROM old_orders AS o
