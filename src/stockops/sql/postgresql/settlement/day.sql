-- What was settled on a date.
-- Needs: SELECT on settlement_days, settlements.
SELECT
    d.settles_on AS settles_on, d.trades AS trades, d.value_won AS value_won, d.fees_won AS fees_won, d.taxes_won AS taxes_won,
    (SELECT count(*) FROM settlements AS s WHERE s.settles_on = d.settles_on) AS accounts
FROM settlement_days AS d
WHERE d.settles_on = %(day)s
ORDER BY d.settles_on
