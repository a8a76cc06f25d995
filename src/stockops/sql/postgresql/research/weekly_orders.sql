-- Orders of users between two business dates, by what asked for them and where they ended. Needs: SELECT on orders, accounts.
SELECT
    a.user_id AS user_id,
    CASE
        WHEN o.condition_id IS NOT NULL THEN 'condition'
        WHEN o.portfolio_id IS NOT NULL THEN 'rebalancing'
        WHEN o.prediction_id IS NOT NULL THEN 'prediction'
        ELSE 'hand'
    END AS asked_by,
    o.status AS status,
    count(*) AS orders
FROM orders AS o
JOIN accounts AS a ON a.account_id = o.account_id
WHERE
    (%(user_id)s::bigint IS NULL OR a.user_id = %(user_id)s::bigint) AND a.kind = 'customer'
    AND o.business_date >= %(first_date)s::date AND o.business_date <= %(through_date)s::date
GROUP BY
    a.user_id,
    CASE
        WHEN o.condition_id IS NOT NULL THEN 'condition'
        WHEN o.portfolio_id IS NOT NULL THEN 'rebalancing'
        WHEN o.prediction_id IS NOT NULL THEN 'prediction'
        ELSE 'hand'
    END,
    o.status
ORDER BY 1, 2, 3
