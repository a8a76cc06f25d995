-- The logical content of all of stocks, one line of the answer for each symbol: the same text on both engines.
-- Needs: SELECT on stocks.
SELECT
    string_agg(concat_ws(
        '|', t.symbol, t.isin, t.name, t.market, t.kind, t.status, t.listed_shares, t.origin
    ), E'\n' ORDER BY t.symbol) AS block,
    count(*) AS line_count
FROM stocks AS t
GROUP BY t.symbol
ORDER BY t.symbol
