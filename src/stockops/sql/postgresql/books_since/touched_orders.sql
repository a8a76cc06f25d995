-- The same: what a UNION gives need not be written down first.
SELECT r.*
FROM recent_orders AS r
