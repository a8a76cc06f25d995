-- Tell the optimizer what is there now, of the tables with personal data and of those that they are joined with.
ANALYZE TABLE users, accounts, portfolios, portfolio_targets, notifications, broker_tokens, conditions, predictions, orders,
    trades, positions, journal_entries, audit_log, audit_seals, stocks, stock_inventory, stock_prices
