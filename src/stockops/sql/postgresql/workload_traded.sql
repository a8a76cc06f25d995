-- How much was traded after a trade: the number of trades and their value.
-- Needs: SELECT on trades.
SELECT
    count(*) AS trades,
    COALESCE(sum(t.value_won), 0)::bigint AS value_won
FROM trades AS t
WHERE t.trade_id > %(trade_id)s
