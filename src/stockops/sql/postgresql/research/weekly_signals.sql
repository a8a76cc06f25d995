-- What predictions and conditions did for users between two moments: how often, and for how much.
-- Needs: SELECT on predictions, ai_recommendations, conditions, orders, accounts, trades.
SELECT
    p.user_id AS user_id,
    concat('predictions_', p.status) AS what,
    count(*) AS times,
    0 AS value_won
FROM predictions AS p
WHERE p.predicted_at >= %(since_at)s::timestamptz AND p.predicted_at < %(until_at)s::timestamptz AND (%(user_id)s::bigint IS NULL OR p.user_id = %(user_id)s::bigint)
GROUP BY p.user_id, p.status
UNION ALL
SELECT r.user_id, 'recommendations', count(*), 0
FROM ai_recommendations AS r
WHERE r.business_date >= %(first_date)s::date AND r.business_date <= %(through_date)s::date AND (%(user_id)s::bigint IS NULL OR r.user_id = %(user_id)s::bigint)
GROUP BY r.user_id
UNION ALL
SELECT c.user_id, 'conditions_made', count(*), 0
FROM conditions AS c
WHERE c.created_at >= %(since_at)s::timestamptz AND c.created_at < %(until_at)s::timestamptz AND (%(user_id)s::bigint IS NULL OR c.user_id = %(user_id)s::bigint)
GROUP BY c.user_id
UNION ALL
SELECT x.user_id, x.what, count(*), sum(x.traded_won)::bigint
FROM (
    SELECT
        a.user_id, CASE WHEN o.prediction_id IS NULL THEN 'orders_by_price' ELSE 'orders_by_prediction' END AS what,
        coalesce((SELECT sum(t.value_won) FROM trades AS t WHERE t.buy_order_id = o.order_id), 0)
        + coalesce((SELECT sum(t.value_won) FROM trades AS t WHERE t.sell_order_id = o.order_id), 0) AS traded_won
    FROM orders AS o
    JOIN accounts AS a ON a.account_id = o.account_id
    WHERE
        (o.condition_id IS NOT NULL OR o.prediction_id IS NOT NULL)
        AND o.business_date >= %(first_date)s::date AND o.business_date <= %(through_date)s::date
        AND (%(user_id)s::bigint IS NULL OR a.user_id = %(user_id)s::bigint)
) AS x
GROUP BY x.user_id, x.what
ORDER BY 1, 2
