-- All orders of the conditions that a new order or a new audit row names, and of those that are not there.
SELECT o.*
FROM JSON_TABLE(%(condition_ids)s, '$[*]' COLUMNS (condition_id BIGINT PATH '$')) AS k
STRAIGHT_JOIN orders AS o ON o.condition_id = k.condition_id
