-- No order follows from a quarantined prediction, and each one that was quarantined by a load has its audit row and its warning.
WITH audited AS (
    SELECT l.entity_id, count(*) AS times
    FROM audit_log AS l
    WHERE l.entity = 'prediction' AND l.action = 'quarantine'
    GROUP BY l.entity_id
),
warned AS (
    SELECT n.prediction_id, count(*) AS times
    FROM notifications AS n
    WHERE n.kind = 'ai_warning' AND n.prediction_id IS NOT NULL
    GROUP BY n.prediction_id
),
wrong AS (
    SELECT
        'order' AS kind, o.order_id AS number, 'a prediction that is there and is not quarantined' AS expected,
        concat_ws(' ', 'prediction', o.prediction_id, CASE WHEN p.prediction_id IS NULL THEN 'is not there' ELSE 'is quarantined' END) AS found
    FROM orders AS o
    LEFT JOIN predictions AS p ON p.prediction_id = o.prediction_id
    WHERE o.prediction_id IS NOT NULL AND (p.prediction_id IS NULL OR p.status = 'quarantined')
    UNION ALL
    SELECT
        'prediction', p.prediction_id, '1 audit row and 1 warning',
        concat_ws(' ', coalesce(a.times, 0), 'audit rows and', coalesce(w.times, 0), 'warnings')
    FROM predictions AS p
    LEFT JOIN audited AS a ON a.entity_id = CAST(p.prediction_id AS CHAR)
    LEFT JOIN warned AS w ON w.prediction_id = p.prediction_id
    WHERE p.status = 'quarantined' AND p.prediction_key IS NOT NULL AND (coalesce(a.times, 0) <> 1 OR coalesce(w.times, 0) <> 1)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY kind, number) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', kind, number) AS entity,
        expected,
        found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT
        (SELECT count(*) FROM orders)
        + (SELECT count(*) FROM predictions WHERE status = 'quarantined' AND prediction_key IS NOT NULL) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
