-- New conditions, and those that a new order or a new audit row names.
SELECT c.*
FROM conditions AS c
WHERE c.condition_id = ANY (%(condition_ids)s::bigint[])
