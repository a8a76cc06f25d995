-- The portfolios whose rebalancing was begun and not ended.
-- Needs: SELECT on rebalances.
SELECT r.portfolio_id AS portfolio_id
FROM rebalances AS r
WHERE r.open_portfolio_id IS NOT NULL
ORDER BY r.portfolio_id
