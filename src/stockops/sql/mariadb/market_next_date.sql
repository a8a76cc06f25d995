-- Which is the first business date of a market after a date.
-- Needs: EXECUTE on business_day_after.
SELECT business_day_after(%(market)s, %(after)s, 1) AS business_date
