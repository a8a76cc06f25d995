-- Trades, of which those that prices follow from are looked up.
SELECT t.*
FROM dealt_trades AS t
