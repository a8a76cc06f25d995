-- Gives an issue's day the base price that an action leads to, its limits, whose ticks tick_sizes tells, and the house's shares.
UPDATE stock_inventory SET
    available_shares = %(available)s, base_won = %(base_won)s, last_won = %(base_won)s,
    lower_won = lower_limit_won(%(market)s, quote_date, %(base_won)s), upper_won = upper_limit_won(%(market)s, quote_date, %(base_won)s),
    tick_won = NULL, high_tick_from_won = NULL, high_tick_won = NULL
WHERE symbol = %(symbol)s
