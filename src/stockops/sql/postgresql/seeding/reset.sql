-- Empties every table that customers, their orders and their books fill. Reference data stays, and so do the house's rows.
-- One transaction: the rows of the house step aside and come back.
DO $body$
BEGIN
    CREATE TEMPORARY TABLE kept_users ON COMMIT DROP AS SELECT u.* FROM users AS u WHERE u.user_id = 0;
    CREATE TEMPORARY TABLE kept_accounts ON COMMIT DROP AS SELECT a.* FROM accounts AS a WHERE a.kind <> 'customer';
    TRUNCATE
        weekly_reports, ai_recommendations, patterns, simulation_days, simulation_trades, simulations,
        books_proofs, books_proof_sums, books_proof_issues, books_proof_events,
        corporate_action_lines, corporate_actions, price_factors, settlements, settlement_days,
        seed_chunks, audit_seals, audit_log, rebalance_lines, rebalances, notifications, trades, auctions, orders, conditions, predictions, portfolio_targets,
        portfolios, house_balances, journal_entries, positions, broker_tokens, accounts, users, stock_inventory, technical_indicators, stock_prices, stocks
    RESTART IDENTITY;
    INSERT INTO users SELECT k.* FROM kept_users AS k;
    INSERT INTO accounts SELECT k.* FROM kept_accounts AS k;
    PERFORM setval('event_ids', 1, false);
END
$body$
