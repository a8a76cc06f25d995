-- Which orders nobody typed, and what triggered each: a condition, a prediction, or the rebalancing of a portfolio.
-- Needs: SELECT on orders, accounts, predictions.
SELECT
    o.placed_at AS placed_at,
    o.order_id AS order_id,
    a.user_id AS user_id,
    o.account_id AS account_id,
    o.symbol AS symbol,
    o.side AS side,
    o.quantity AS quantity,
    o.filled_quantity AS filled_quantity,
    o.status AS status,
    o.reason AS reason,
    concat_ws(
        ', ', concat('condition ', o.condition_id), CASE WHEN o.condition_id IS NOT NULL AND o.prediction_id IS NULL THEN 'the last price' END,
        concat('prediction ', o.prediction_id, ' of ', p.model_version, ' at ', p.confidence),
        concat('rebalancing of portfolio ', o.portfolio_id)
    ) AS triggered_by
FROM orders AS o
JOIN accounts AS a ON a.account_id = o.account_id
LEFT JOIN predictions AS p ON p.prediction_id = o.prediction_id
WHERE
    (o.condition_id IS NOT NULL OR o.prediction_id IS NOT NULL OR o.portfolio_id IS NOT NULL)
    AND o.placed_at > CAST(%(until)s AS DATETIME(6)) - INTERVAL %(days)s DAY AND o.placed_at <= %(until)s
    AND (%(user_id)s IS NULL OR a.user_id = %(user_id)s)
ORDER BY o.placed_at DESC, o.order_id DESC
LIMIT %(row_limit)s
