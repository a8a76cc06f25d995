-- No book is crossed at rest: the best resting buy of an issue is below its best resting sell, unless an auction collects them.
WITH wrong AS (
    SELECT
        symbol,
        max(CASE WHEN side = 'buy' THEN limit_won END) AS best_buy_won,
        min(CASE WHEN side = 'sell' THEN limit_won END) AS best_sell_won
    FROM orders IGNORE INDEX (orders_book_ix)
    WHERE status = 'open' AND symbol NOT IN (SELECT i.symbol FROM stock_inventory AS i WHERE i.auction_id IS NOT NULL)
    GROUP BY symbol
    HAVING max(CASE WHEN side = 'buy' THEN limit_won END) >= min(CASE WHEN side = 'sell' THEN limit_won END)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY symbol) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'issue', symbol) AS entity,
        'best buy below best sell' AS expected,
        concat_ws(' ', 'buy', best_buy_won, 'sell', best_sell_won) AS found
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
