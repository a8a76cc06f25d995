-- The first date that patterns of issues from one code to another need, so that those from a date on are all seen: 200 days
-- that traded before it, which the longest average takes. Of issues that have traded since; the first one of the others decides.
-- Needs: SELECT on stocks, stock_prices.
SELECT CAST(coalesce(min(d.price_date), %(since)s) AS DATE) AS history_from
FROM (
    SELECT
        coalesce(
            (
                SELECT c.price_date FROM stock_prices AS c
                WHERE c.symbol = s.symbol AND c.volume > 0 AND c.price_date < %(since)s
                ORDER BY c.price_date DESC LIMIT 1 OFFSET 199
            ),
            (SELECT c.price_date FROM stock_prices AS c WHERE c.symbol = s.symbol ORDER BY c.price_date LIMIT 1)
        ) AS price_date
    FROM stocks AS s
    WHERE
        s.symbol >= %(from_symbol)s AND s.symbol <= %(to_symbol)s
        AND EXISTS (SELECT 1 FROM stock_prices AS p WHERE p.symbol = s.symbol AND p.volume > 0 AND p.price_date >= %(since)s)
) AS d
