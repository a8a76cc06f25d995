-- Which weekdays a market is closed on, the earliest first.
-- Needs: SELECT on market_holidays.
SELECT
    h.holiday AS holiday,
    h.name AS name
FROM market_holidays AS h
WHERE h.market = %(market)s
ORDER BY h.holiday
