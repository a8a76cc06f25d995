-- Orders, of which those that new trades name are looked up.
SELECT o.*
FROM orders AS o
