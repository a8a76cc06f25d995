-- The business date of the server's clock: today in KST.
SELECT date(utc_timestamp() + INTERVAL 9 HOUR) AS business_date
