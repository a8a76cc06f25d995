-- Locks accounts as an order does, by number.
SELECT a.account_id
FROM accounts AS a
WHERE a.account_id = ANY (ARRAY(SELECT j.account_id::bigint FROM jsonb_array_elements_text(%(account_ids)s::jsonb) AS j (account_id)))
ORDER BY a.account_id
FOR NO KEY UPDATE
