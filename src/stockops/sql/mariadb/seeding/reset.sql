-- Empties every table that customers, their orders and their books fill. Reference data stays, and so do the house's rows.
-- TRUNCATE commits by itself here: seed_chunks goes first, so that a reset that was killed is seen, and run again; then
-- stock_inventory, without which no order is taken. The users go last: while one is left, the database is not empty.
BEGIN NOT ATOMIC
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        SET SESSION foreign_key_checks = 1;
        RESIGNAL;
    END;
    TRUNCATE seed_chunks;
    SET SESSION foreign_key_checks = 0;
    TRUNCATE stock_inventory;
    TRUNCATE weekly_reports;
    TRUNCATE ai_recommendations;
    TRUNCATE patterns;
    TRUNCATE simulation_days;
    TRUNCATE simulation_trades;
    TRUNCATE simulations;
    TRUNCATE audit_seals;
    TRUNCATE audit_log;
    TRUNCATE corporate_action_lines;
    TRUNCATE corporate_actions;
    TRUNCATE price_factors;
    TRUNCATE settlements;
    TRUNCATE settlement_days;
    TRUNCATE notifications;
    TRUNCATE trades;
    TRUNCATE auctions;
    TRUNCATE orders;
    TRUNCATE rebalance_lines;
    TRUNCATE rebalances;
    TRUNCATE conditions;
    TRUNCATE predictions;
    TRUNCATE portfolio_targets;
    TRUNCATE portfolios;
    TRUNCATE house_balances;
    TRUNCATE journal_entries;
    TRUNCATE positions;
    TRUNCATE broker_tokens;
    TRUNCATE technical_indicators;
    TRUNCATE books_proof_events;
    TRUNCATE books_proof_issues;
    TRUNCATE books_proof_sums;
    TRUNCATE books_proofs;
    TRUNCATE stock_prices;
    TRUNCATE stocks;
    SET SESSION foreign_key_checks = 1;
    DELETE FROM accounts WHERE kind = 'customer';
    DELETE FROM users WHERE user_id > 0;
    ALTER SEQUENCE event_ids RESTART 1;
END
