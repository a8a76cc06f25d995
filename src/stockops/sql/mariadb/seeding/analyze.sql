-- Tells the planner what is there now; every server does it for itself.
ANALYZE NO_WRITE_TO_BINLOG TABLE audit_log, stocks, stock_prices, users, accounts, positions, journal_entries, portfolios,
    portfolio_targets, predictions, conditions, notifications, stock_inventory
