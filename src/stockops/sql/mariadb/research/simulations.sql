-- Simulations that are stored, the newest first. Needs: SELECT on simulations.
SELECT
    s.simulation_id AS simulation_id,
    s.strategy AS strategy,
    s.parameters AS parameters,
    s.from_date AS from_date,
    s.until_date AS until_date,
    s.issues AS issues,
    s.start_won AS start_won,
    s.end_won AS end_won,
    s.total_return AS total_return,
    s.sharpe_ratio AS sharpe_ratio,
    s.max_drawdown AS max_drawdown,
    s.trades AS trades,
    s.wins AS wins,
    s.win_rate AS win_rate,
    s.held_at_end AS held_at_end,
    s.fees_won AS fees_won,
    s.tax_won AS tax_won,
    s.simulation_key AS simulation_key
FROM simulations AS s
WHERE
    (%(simulation_id)s IS NULL OR s.simulation_id = %(simulation_id)s)
    AND (%(simulation_key)s IS NULL OR s.simulation_key = %(simulation_key)s)
ORDER BY s.simulation_id DESC
LIMIT %(row_limit)s
