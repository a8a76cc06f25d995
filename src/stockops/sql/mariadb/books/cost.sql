-- What the shares of every position cost is what was paid for them; each sale takes its part of that along, parts of a won cut off; opening shares cost the close of their day.
-- An order that takes is one event, however many orders it meets; each fill of an order that rests is one of its own.
-- A step is a sale and what was bought since the one before it; the last step may be without a sale.
WITH RECURSIVE sides AS (
    SELECT
        buy_order_id AS order_id, CASE WHEN taker_side = 'buy' THEN buy_order_id ELSE trade_id END AS event_id,
        symbol, quantity, price_won * quantity AS value_won
    FROM trades
    WHERE buy_order_id IS NOT NULL
    UNION ALL
    SELECT sell_order_id, CASE WHEN taker_side = 'sell' THEN sell_order_id ELSE trade_id END, symbol, -quantity, 0
    FROM trades
    WHERE sell_order_id IS NOT NULL
),
events AS (
    SELECT o.account_id, s.symbol, s.event_id, sum(s.quantity) AS quantity, sum(s.value_won) AS value_won
    FROM sides AS s
    STRAIGHT_JOIN orders AS o ON o.order_id = s.order_id
    GROUP BY o.account_id, s.symbol, s.event_id
    UNION ALL
    SELECT j.account_id, j.asset, j.journal_id, j.amount, j.amount * p.close_won
    FROM journal_entries AS j
    STRAIGHT_JOIN accounts AS a ON a.account_id = j.account_id AND a.kind = 'customer'
    LEFT JOIN stock_prices AS p ON p.symbol = j.asset AND p.price_date = j.business_date
    WHERE j.asset <> 'KRW' AND j.kind IN ('open', 'deposit')
),
numbered AS (
    SELECT
        account_id, symbol, quantity, value_won,
        sum(quantity) OVER (PARTITION BY account_id, symbol ORDER BY event_id ROWS UNBOUNDED PRECEDING) AS held,
        sum(CASE WHEN quantity < 0 THEN 1 ELSE 0 END) OVER (PARTITION BY account_id, symbol ORDER BY event_id ROWS UNBOUNDED PRECEDING) AS sales
    FROM events
),
steps AS (
    SELECT
        account_id, symbol, sales + CASE WHEN quantity < 0 THEN 0 ELSE 1 END AS step_no,
        CASE WHEN count(value_won) = count(*) THEN sum(value_won) END AS bought_won,  -- NULL where a close is missing
        sum(CASE WHEN quantity < 0 THEN -quantity ELSE 0 END) AS sold,
        max(CASE WHEN quantity < 0 THEN held - quantity ELSE 0 END) AS held_before,
        count(*) OVER (PARTITION BY account_id, symbol) AS last_no
    FROM numbered
    GROUP BY account_id, symbol, sales + CASE WHEN quantity < 0 THEN 0 ELSE 1 END
),
costs (account_id, symbol, step_no, last_no, cost_won) AS (
    SELECT account_id, symbol, 0, -1, CAST(0 AS DECIMAL(38, 0)) FROM positions
    UNION ALL
    SELECT
        c.account_id, c.symbol, c.step_no + 1, s.last_no,
        c.cost_won + s.bought_won - CASE WHEN s.sold = 0 THEN 0 ELSE (c.cost_won + s.bought_won) * s.sold DIV s.held_before END
    FROM costs AS c
    STRAIGHT_JOIN steps AS s ON s.account_id = c.account_id AND s.symbol = c.symbol AND s.step_no = c.step_no + 1
),
judged AS (
    SELECT
        p.account_id, p.symbol, p.cost_won, c.cost_won AS due_won,
        CASE WHEN p.cost_won <> CASE WHEN c.account_id IS NULL THEN 0 ELSE c.cost_won END THEN 1 ELSE 0 END AS is_wrong,
        CASE WHEN c.account_id IS NOT NULL AND c.cost_won IS NULL THEN 0 ELSE 1 END AS looked_at
    FROM positions AS p
    LEFT JOIN costs AS c ON c.account_id = p.account_id AND c.symbol = p.symbol AND c.step_no = c.last_no
),
placed AS (
    SELECT
        account_id, symbol, cost_won, due_won, is_wrong,
        row_number() OVER (ORDER BY is_wrong DESC, account_id, symbol) AS place_no,
        sum(is_wrong) OVER () AS violations,
        sum(looked_at) OVER () AS looked_at
    FROM judged
)
SELECT
    coalesce(n.looked_at, 0) AS looked_at,
    coalesce(n.violations, 0) AS violations,
    CASE WHEN n.is_wrong = 1 THEN concat_ws(' ', 'account', n.account_id, 'position', n.symbol) END AS entity,
    concat_ws(' ', coalesce(n.due_won, 0), 'won') AS expected,
    concat_ws(' ', n.cost_won, 'won') AS found
FROM (SELECT 1 AS n) AS one
LEFT JOIN placed AS n ON n.place_no = 1 OR (n.is_wrong = 1 AND n.place_no <= 20)
ORDER BY n.place_no
