-- How many deadlocks the server has counted since its counters began.
SELECT CAST(variable_value AS UNSIGNED) AS n
FROM information_schema.global_status
WHERE variable_name = 'Innodb_deadlocks'
