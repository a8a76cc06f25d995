-- Locks accounts as an order does, in the order of the list.
SELECT a.account_id
FROM JSON_TABLE(%(account_ids)s, '$[*]' COLUMNS (account_id BIGINT PATH '$')) AS j
STRAIGHT_JOIN accounts AS a ON a.account_id = j.account_id
FOR UPDATE
