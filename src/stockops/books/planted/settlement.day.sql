-- A date is said to be settled, and its trades were left out.
INSERT INTO settlement_days (settles_on, trades, value_won, fees_won, taxes_won, open_from_id)
SELECT max(t.settles_on), 0, 0, 0, 0, max(t.trade_id)
FROM trades AS t
HAVING max(t.settles_on) IS NOT NULL
