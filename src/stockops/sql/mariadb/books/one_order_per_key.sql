-- An account has one order for one idempotency key: nothing was ever done twice.
WITH wrong AS (
    SELECT account_id, idempotency_key, count(*) AS orders
    FROM orders
    GROUP BY account_id, idempotency_key
    HAVING count(*) > 1
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY account_id, idempotency_key) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'account', account_id, 'key', idempotency_key) AS entity,
        '1 order' AS expected,
        concat_ws(' ', orders, 'orders') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM orders) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
