-- The codes and names of all issues, for who mistyped one.
-- Needs: SELECT on stocks.
SELECT k.symbol AS symbol, k.name AS name
FROM stocks AS k
ORDER BY k.symbol
