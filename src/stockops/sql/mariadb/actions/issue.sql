-- An issue as a corporate action finds it: the day it is at, the next one, its shares, and its last split.
-- Needs: SELECT on stocks, stock_inventory, stock_prices, positions, orders, conditions, predictions, corporate_actions;
-- EXECUTE on business_day_after.
SELECT
    k.symbol AS symbol, k.name AS name, k.market AS market, k.status AS status, k.listed_shares AS listed_shares,
    i.available_shares AS available_shares, i.last_won AS last_won, i.quote_date AS quote_date,
    business_day_after(k.market, i.quote_date, 1) AS next_date,
    (SELECT max(p.price_date) FROM stock_prices AS p WHERE p.symbol = k.symbol) AS priced_through,
    (SELECT max(c.effective_date) FROM corporate_actions AS c WHERE c.symbol = k.symbol AND c.kind = 'split') AS split_on,
    (SELECT max(c.effective_date) FROM corporate_actions AS c WHERE c.symbol = k.symbol AND c.kind = 'delist') AS delisted_on,
    (SELECT count(*) FROM positions AS p WHERE p.symbol = k.symbol AND p.quantity > 0) AS holders,
    (SELECT count(*) FROM orders AS o WHERE o.symbol = k.symbol AND o.resting_won IS NOT NULL) AS open_orders,
    (SELECT count(*) FROM conditions AS c WHERE c.symbol = k.symbol AND c.status IN ('active', 'paused')) AS conditions,
    (SELECT count(*) FROM predictions AS p WHERE p.symbol = k.symbol AND p.status = 'valid') AS predictions
FROM stocks AS k
JOIN stock_inventory AS i ON i.symbol = k.symbol
WHERE k.symbol = %(symbol)s
ORDER BY k.symbol
