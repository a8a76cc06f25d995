-- The issues that have indicators.
-- Needs: SELECT on stocks and technical_indicators.
SELECT s.symbol
FROM stocks AS s
WHERE EXISTS (SELECT 1 FROM technical_indicators AS t WHERE t.symbol = s.symbol)
ORDER BY s.symbol
