-- In which issues most was traded, by value, in all of the trades that are there.
-- Needs: SELECT on trades, stocks. Reads every trade.
SELECT
    t.symbol AS symbol,
    s.name AS name,
    count(*) AS trades,
    sum(t.quantity)::bigint AS shares,
    sum(t.value_won)::bigint AS value_won
FROM trades AS t
JOIN stocks AS s ON s.symbol = t.symbol
GROUP BY t.symbol, s.name
ORDER BY value_won DESC, symbol
LIMIT %(symbols_max)s
