-- What a portfolio holds and what it should hold, an issue a row: one portfolio, or every active one.
-- Looked at are the issues it has a target for and all others that its account holds; a portfolio without any is one row.
-- The price is the last one of the day; before the first order of a day it is what the day opens with.
-- Needs: SELECT on the tables named here, EXECUTE on business_day_after and price_on.
WITH rates AS (
    SELECT
        m.market,
        (SELECT t.sell_rate FROM tax_rates AS t
            WHERE t.market = m.market AND t.settles_from <= business_day_after(m.market, %(on)s, 2) ORDER BY t.settles_from DESC LIMIT 1) AS sell_rate
    FROM (SELECT DISTINCT n.market FROM tax_rates AS n) AS m
)
SELECT
    f.portfolio_id AS portfolio_id,
    f.user_id AS user_id,
    f.account_id AS account_id,
    f.status AS portfolio_status,
    a.status AS account_status,
    (SELECT count(*) FROM portfolios AS n
        WHERE n.account_id = f.account_id AND n.status = 'active' AND n.portfolio_id <> f.portfolio_id) AS sharing,
    f.band_bp AS band_bp,
    f.cash_bp AS cash_bp,
    a.cash_won AS cash_won,
    a.reserved_won AS reserved_won,
    (SELECT s.commission_rate FROM fee_schedules AS s
        WHERE s.broker_id = a.broker_id AND s.valid_from <= %(on)s ORDER BY s.valid_from DESC LIMIT 1) AS commission_rate,
    CAST(CASE WHEN a.tax_exempt THEN 0 ELSE r.sell_rate END AS DECIMAL(9, 8)) AS tax_rate,
    k.symbol AS symbol,
    k.market AS market,
    k.status AS stock_status,
    price_on(k.symbol, %(on)s) AS price_won,
    coalesce(p.quantity, 0) AS quantity,
    coalesce(p.reserved_quantity, 0) AS reserved_quantity,
    coalesce(w.weight_bp, 0) AS target_bp
FROM portfolios AS f
JOIN accounts AS a ON a.account_id = f.account_id
LEFT JOIN (
    -- Asked for one portfolio here as well, for the server makes a table of all that this answers.
    SELECT n.portfolio_id, n.symbol FROM portfolio_targets AS n
    WHERE n.portfolio_id = %(portfolio_id)s OR %(portfolio_id)s IS NULL
    UNION
    SELECT n.portfolio_id, h.symbol
    FROM portfolios AS n
    JOIN positions AS h ON h.account_id = n.account_id
    WHERE h.quantity > 0 AND (n.portfolio_id = %(portfolio_id)s OR %(portfolio_id)s IS NULL)
) AS x ON x.portfolio_id = f.portfolio_id
LEFT JOIN stocks AS k ON k.symbol = x.symbol
LEFT JOIN rates AS r ON r.market = k.market
LEFT JOIN positions AS p ON p.account_id = f.account_id AND p.symbol = x.symbol
LEFT JOIN portfolio_targets AS w ON w.portfolio_id = f.portfolio_id AND w.symbol = x.symbol
WHERE f.portfolio_id = %(portfolio_id)s OR (%(portfolio_id)s IS NULL AND f.status = 'active')
ORDER BY f.portfolio_id, k.symbol
