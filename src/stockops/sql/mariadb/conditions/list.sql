-- The newest conditions, of one status and one issue where these are not empty.
-- Needs: SELECT on conditions.
SELECT
    c.condition_id,
    c.account_id,
    c.symbol,
    c.side,
    c.quantity,
    c.amount_won,
    c.min_confidence,
    c.model_version,
    c.from_won,
    c.to_won,
    c.status,
    c.executions,
    c.expires_at
FROM conditions AS c
WHERE %(status)s IN ('', c.status) AND (%(symbol)s = '' OR c.symbol = %(symbol)s)
ORDER BY c.condition_id DESC
LIMIT %(row_limit)s
