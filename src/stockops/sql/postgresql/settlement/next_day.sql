-- Which is the first date after a date on which a market with an issue of ours is open; NULL where nothing is listed.
-- Needs: SELECT on stocks, EXECUTE on business_day_after.
SELECT min(business_day_after(m.market, %(after)s::date, 1)) AS business_date
FROM (SELECT DISTINCT k.market FROM stocks AS k) AS m
