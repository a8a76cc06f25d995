-- The business date of the server's clock: today in KST.
SELECT (clock_timestamp() AT TIME ZONE 'Asia/Seoul')::date AS business_date
