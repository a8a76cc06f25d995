-- Which is the first business date of a market after a date.
-- Needs: EXECUTE on business_day_after.
SELECT business_day_after(%(market)s::text, %(after)s::date, 1) AS business_date
