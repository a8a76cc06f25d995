-- Orders, of which new trades name those that may have changed.
SELECT o.*
FROM recent_orders AS o
