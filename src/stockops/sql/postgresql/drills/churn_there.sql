-- Whether the table is there whose rows the drill changes again and again.
SELECT count(*) AS n
FROM pg_class
WHERE relname = 'drill_churn'
