-- The logical content of all of stocks, one line of the answer for each symbol: the same text on both engines.
-- Needs: SELECT on stocks.
SELECT
    group_concat(concat_ws(
        '|', t.symbol, t.isin, t.name, t.market, t.kind, t.status, t.listed_shares, t.origin
    ) ORDER BY t.symbol SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM stocks AS t
GROUP BY t.symbol
ORDER BY t.symbol
