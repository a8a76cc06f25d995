-- New conditions, and those that a new order or a new audit row names.
SELECT c.*
FROM JSON_TABLE(%(condition_ids)s, '$[*]' COLUMNS (condition_id BIGINT PATH '$')) AS k
STRAIGHT_JOIN conditions AS c ON c.condition_id = k.condition_id
