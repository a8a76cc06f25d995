-- The equity curve of a simulation. Needs: SELECT on simulation_days.
SELECT
    d.price_date AS price_date,
    d.equity_won AS equity_won
FROM simulation_days AS d
WHERE d.simulation_id = %(simulation_id)s
ORDER BY d.price_date
