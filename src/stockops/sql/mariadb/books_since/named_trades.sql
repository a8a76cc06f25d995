-- Trades, of which those that prices follow from are looked up.
SELECT t.*
FROM trades AS t
