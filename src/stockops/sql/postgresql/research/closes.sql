-- Each day that traded, and what a z-score of its close is made from: how many closes the window has, their sum, and that of
-- their squares, in whole numbers. Days without a trade are no part of it: nobody made their price.
-- Prices are those of a share of today, to the whole won: what was traded before a split, by its ratio.
-- Needs: SELECT on stock_prices, price_factors.
WITH factors AS (
    SELECT
        f.symbol, f.before_date, f.new_shares, f.old_shares,
        coalesce(lag(f.before_date) OVER (PARTITION BY f.symbol ORDER BY f.before_date), DATE '0001-01-01') AS from_date
    FROM price_factors AS f
),
traded AS (
    SELECT
        p.symbol, p.price_date,
        CASE WHEN f.symbol IS NULL THEN p.open_won ELSE greatest(1, (2 * p.open_won * f.old_shares + f.new_shares) / (2 * f.new_shares)) END AS open_won,
        CASE WHEN f.symbol IS NULL THEN p.close_won ELSE greatest(1, (2 * p.close_won * f.old_shares + f.new_shares) / (2 * f.new_shares)) END AS close_won
    FROM stock_prices AS p
    LEFT JOIN factors AS f ON f.symbol = p.symbol AND p.price_date >= f.from_date AND p.price_date < f.before_date
    WHERE
        p.volume > 0
        AND p.symbol IN (SELECT jsonb_array_elements_text(%(symbols)s::jsonb))
        AND p.price_date >= coalesce(%(since)s::date, DATE '0001-01-01')
        AND p.price_date <= coalesce(%(until)s::date, DATE '9999-12-31')
)
SELECT
    p.symbol AS symbol,
    p.price_date AS price_date,
    p.open_won AS open_won,
    p.close_won AS close_won,
    count(*) OVER last_days AS days,
    (sum(p.close_won) OVER last_days)::bigint AS total_won,
    (sum(p.close_won * p.close_won) OVER last_days)::bigint AS squares_won
FROM traded AS p
WINDOW last_days AS (PARTITION BY p.symbol ORDER BY p.price_date ROWS BETWEEN %(days_before)s::bigint PRECEDING AND CURRENT ROW)
ORDER BY p.symbol, p.price_date
