-- How much was traded after a trade: the number of trades and their value.
-- Needs: SELECT on trades.
SELECT
    COUNT(*) AS trades,
    CAST(COALESCE(SUM(t.value_won), 0) AS SIGNED) AS value_won
FROM trades AS t
WHERE t.trade_id > %(trade_id)s
