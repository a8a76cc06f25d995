-- Profit or loss and return of each position, and of each account: its row without an issue.
-- Realised is what sales brought above the average cost of what they sold; costs are commission and tax; the return is what
-- is left of both over all that was paid. Opening shares cost the close of their day: without it nothing is said of them.
-- Needs: SELECT on positions, accounts, stock_inventory, orders, trades, journal_entries, stock_prices.
WITH held AS (
    SELECT p.account_id, a.user_id, p.symbol, p.quantity, p.cost_won, i.last_won
    FROM positions AS p
    JOIN accounts AS a ON a.account_id = p.account_id
    LEFT JOIN stock_inventory AS i ON i.symbol = p.symbol
    WHERE
        a.kind = 'customer' AND (%(account_id)s IS NULL OR p.account_id = %(account_id)s) AND (%(user_id)s IS NULL OR a.user_id = %(user_id)s)
),
opened AS (
    SELECT j.account_id, j.asset AS symbol, CASE WHEN count(c.close_won) = count(*) THEN sum(j.amount * c.close_won) END AS opened_won
    FROM held AS h
    JOIN journal_entries AS j ON j.account_id = h.account_id AND j.asset = h.symbol AND j.kind IN ('open', 'deposit')
    LEFT JOIN stock_prices AS c ON c.symbol = j.asset AND c.price_date = j.business_date
    GROUP BY j.account_id, j.asset
),
traded AS (
    SELECT
        o.account_id, o.symbol,
        sum(coalesce(b.value_won, 0)) AS bought_won,
        sum(coalesce(s.value_won, 0)) AS sold_won,
        sum(coalesce(b.buy_fee_won, 0) + coalesce(s.sell_fee_won + s.sell_tax_won, 0)) AS costs_won
    FROM (SELECT DISTINCT n.account_id FROM held AS n) AS h
    JOIN orders AS o ON o.account_id = h.account_id AND o.filled_quantity > 0
    LEFT JOIN trades AS b ON o.side = 'buy' AND b.buy_order_id = o.order_id
    LEFT JOIN trades AS s ON o.side = 'sell' AND s.sell_order_id = o.order_id
    GROUP BY o.account_id, o.symbol
),
figured AS (
    SELECT
        h.account_id, h.user_id, h.symbol, h.quantity, h.cost_won, h.last_won,
        h.quantity * h.last_won AS value_won,
        CASE WHEN n.account_id IS NULL THEN 0 ELSE n.opened_won END + coalesce(t.bought_won, 0) AS paid_won,
        coalesce(t.sold_won, 0) AS sold_won,
        coalesce(t.costs_won, 0) AS costs_won
    FROM held AS h
    LEFT JOIN opened AS n ON n.account_id = h.account_id AND n.symbol = h.symbol
    LEFT JOIN traded AS t ON t.account_id = h.account_id AND t.symbol = h.symbol
),
summed AS (
    SELECT
        f.account_id, f.user_id, f.symbol, f.quantity, f.cost_won, f.last_won AS price_won, f.value_won, f.paid_won,
        f.value_won - f.cost_won AS unrealised_won, f.sold_won - (f.paid_won - f.cost_won) AS realised_won, f.costs_won
    FROM figured AS f
    UNION ALL
    SELECT
        f.account_id, f.user_id, NULL, NULL, sum(f.cost_won), NULL, sum(f.value_won),
        CASE WHEN count(f.paid_won) = count(*) THEN sum(f.paid_won) END,
        sum(f.value_won - f.cost_won),
        CASE WHEN count(f.paid_won) = count(*) THEN sum(f.sold_won - (f.paid_won - f.cost_won)) END, sum(f.costs_won)
    FROM figured AS f
    GROUP BY f.account_id, f.user_id
)
SELECT
    l.account_id AS account_id,
    l.user_id AS user_id,
    l.symbol AS symbol,
    CAST(l.quantity AS SIGNED) AS quantity,
    CAST(l.cost_won AS SIGNED) AS cost_won,
    CAST(l.price_won AS SIGNED) AS price_won,
    CAST(l.value_won AS SIGNED) AS value_won,
    CAST(l.unrealised_won AS SIGNED) AS unrealised_won,
    CAST(l.realised_won AS SIGNED) AS realised_won,
    CAST(l.costs_won AS SIGNED) AS costs_won,
    CASE WHEN l.paid_won > 0 THEN CAST(round(100 * (l.unrealised_won + l.realised_won - l.costs_won) / l.paid_won, 2) AS DECIMAL(20, 2)) END AS return_percent
FROM summed AS l
ORDER BY l.account_id, l.symbol IS NULL, l.symbol
LIMIT %(row_limit)s
