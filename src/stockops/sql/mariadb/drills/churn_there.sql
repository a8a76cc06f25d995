-- Whether the table is there whose rows the drill changes again and again.
SELECT count(*) AS n
FROM information_schema.tables
WHERE table_schema = database()
  AND table_name = 'drill_churn'
