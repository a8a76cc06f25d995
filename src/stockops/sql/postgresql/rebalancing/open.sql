-- The rebalancing of a portfolio that was begun and not ended, if there is one.
-- Needs: SELECT on rebalances.
SELECT
    r.rebalance_id AS rebalance_id,
    r.account_id AS account_id,
    r.business_date AS business_date
FROM rebalances AS r
WHERE r.open_portfolio_id = %(portfolio_id)s
ORDER BY r.rebalance_id
