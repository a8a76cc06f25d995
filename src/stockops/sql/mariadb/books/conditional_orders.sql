-- Each order of a condition is of its account and issue, has its notice and its audit row, and no other order its prediction.
-- What has to be logged counts 1, what was logged -1: what is there once on both sides adds up to 0.
WITH conditional AS (
    SELECT
        o.order_id, o.condition_id, o.prediction_id, o.account_id = c.account_id AND o.symbol = c.symbol AS fits,
        o.prediction_id IS NULL OR (p.symbol = o.symbol AND p.side = o.side AND p.predicted_at <= o.placed_at) AS foreseen,
        count(*) OVER (PARTITION BY o.condition_id, coalesce(o.prediction_id, -o.order_id)) AS orders_of_pair
    FROM orders AS o
    LEFT JOIN conditions AS c ON c.condition_id = o.condition_id
    LEFT JOIN predictions AS p ON p.prediction_id = o.prediction_id
    WHERE o.condition_id IS NOT NULL
),
told AS (
    SELECT DISTINCT n.order_id FROM notifications AS n WHERE n.kind IN ('order_executed', 'order_rejected') AND n.order_id IS NOT NULL
),
sides AS (
    SELECT order_id, CAST(condition_id AS CHAR) AS condition_id, 1 AS n FROM conditional
    UNION ALL
    SELECT CAST(substring_index(substring_index(detail, ' ', 3), ' ', -1) AS SIGNED), entity_id, -1
    FROM audit_log
    WHERE entity = 'condition' AND action = 'execute'
),
counted AS (
    SELECT condition_id, count(*) AS orders_placed FROM conditional GROUP BY condition_id
),
wrong AS (
    SELECT
        'order' AS kind, o.order_id AS number, 'an order of its condition, foreseen and told, once' AS expected,
        CASE
            WHEN o.fits IS NULL THEN concat_ws(' ', 'no condition', o.condition_id)
            WHEN NOT o.fits THEN concat_ws(' ', 'condition', o.condition_id, 'of another account or issue')
            WHEN o.foreseen IS NOT TRUE THEN concat_ws(' ', 'prediction', o.prediction_id, 'of another issue, side or time')
            WHEN o.orders_of_pair > 1 THEN concat_ws(' ', o.orders_of_pair, 'orders of prediction', o.prediction_id)
            ELSE 'no notice'
        END AS found
    FROM conditional AS o
    LEFT JOIN told AS t ON t.order_id = o.order_id
    WHERE o.fits IS NOT TRUE OR o.foreseen IS NOT TRUE OR o.orders_of_pair > 1 OR t.order_id IS NULL
    UNION ALL
    SELECT
        'order', order_id, 'one audit row of its condition',
        CASE WHEN sum(n) > 0 THEN 'none' ELSE concat_ws(' ', 'one too many, of condition', condition_id) END
    FROM sides
    GROUP BY order_id, condition_id
    HAVING sum(n) <> 0
    UNION ALL
    SELECT 'condition', c.condition_id, concat_ws(' ', coalesce(k.orders_placed, 0), 'orders'), concat_ws(' ', c.executions, 'executions')
    FROM conditions AS c
    LEFT JOIN counted AS k ON k.condition_id = c.condition_id
    WHERE c.executions <> coalesce(k.orders_placed, 0)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY kind, number, expected) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', kind, number) AS entity,
        expected,
        found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM audit_log WHERE entity = 'condition' AND action = 'execute') AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
