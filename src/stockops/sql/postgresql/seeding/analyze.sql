-- Tells the planner what is there now.
ANALYZE audit_log, stocks, stock_prices, users, accounts, positions, journal_entries, portfolios, portfolio_targets,
    predictions, conditions, notifications, stock_inventory
