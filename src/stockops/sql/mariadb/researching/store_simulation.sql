-- Store what a simulation came to; answers with its number. Needs: INSERT and SELECT on simulations.
INSERT INTO simulations (
    simulation_key, strategy, parameters, from_date, until_date, issues, start_won, end_won,
    total_return, sharpe_ratio, max_drawdown, trades, wins, win_rate, held_at_end, fees_won, tax_won
)
VALUES (
    %(simulation_key)s, %(strategy)s, %(parameters)s, %(from_date)s, %(until_date)s, %(issues)s, %(start_won)s, %(end_won)s,
    %(total_return)s, %(sharpe_ratio)s, %(max_drawdown)s, %(trades)s, %(wins)s, %(win_rate)s, %(held_at_end)s, %(fees_won)s, %(tax_won)s
)
RETURNING simulation_id
