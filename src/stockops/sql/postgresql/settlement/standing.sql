-- How far trades are settled: the last settled date, the high-water mark of the trades, and where nothing is settled yet
-- the earliest date that a trade settles on; NULL where there is none.
-- Needs: SELECT on settlement_days, trades.
SELECT
    d.settles_on AS settled_through,
    coalesce(d.open_from_id, 0) AS open_from_id,
    CASE WHEN d.settles_on IS NULL THEN (SELECT min(t.settles_on) FROM trades AS t) END AS first_due
FROM (SELECT 1 AS n) AS one
LEFT JOIN settlement_days AS d ON d.settles_on = (SELECT max(l.settles_on) FROM settlement_days AS l)
ORDER BY d.settles_on
